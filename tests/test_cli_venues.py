"""The commands about rulebooks, in this process: the list, one in full, two compared, and what a wrong name is told."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stresslab import venues
from stresslab.cli import main
from stresslab.shipped import config_root


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["stresslab", *words])
    with pytest.raises(SystemExit) as done:
        main()
    return int(done.value.code or 0)


def test_the_list(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "venues") == 0
    lines = capsys.readouterr().out.splitlines()
    for name in venues.available():
        row = next(line for line in lines if f" {name} " in line)
        book = venues.load(name)
        for word in (book.contract.kind, str(book.as_of), book.collateral.modes[0], f" {len(book.warnings)} "):
            assert word in row


def test_the_difference(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert call(monkeypatch, "venues", "diff", "dydx_v4/BTC-USD", "dydx_v4/SOL-USD") == 0
    shown = capsys.readouterr().out
    assert "requirement.oi_scaling.upper" in shown and "0.012" in shown and "0.03" in shown
    assert "liquidation" not in shown
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        yaml.safe_dump(venues.load("gmx_v2/BTC-USD").model_dump(mode="json")).replace("'2026-03-13'", "2026-03-13")
    )
    assert call(monkeypatch, "venues", "diff", "gmx_v2/BTC-USD", str(mine)) == 0
    assert "0 fields differ" in capsys.readouterr().out


def test_one_in_full(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "venues", "show", "bitmex/XBTUSD") == 0
    shown = capsys.readouterr().out
    book = venues.load("bitmex/XBTUSD")
    assert book.hash in shown and all(f"not verified: {line}" in shown for line in book.warnings)
    assert "open_ended" in shown and "step: 150" in shown


@pytest.mark.parametrize(
    "words, said",
    [
        (("diff", "okx", "dydx_v4/BTC-USD"), "Known there: okx/ADA-USDT-SWAP, okx/BTC-USD-SWAP, okx/BTC-USDT-SWAP"),
        (("diff", "dydx_v4/BTC-USD", "dydx_v4/BTCUSD"), "Did you mean 'dydx_v4/BTC-USD'"),
        (("show", "nowhere"), "`stresslab venues` lists them"),
        (("show", "mien.yaml"), "there is no such file"),
        (("diff", "dydx_v4/BTC-USD"), "Missing argument"),
        (("list",), "No such command"),
    ],
)
def test_a_wrong_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert call(monkeypatch, "venues", *words) == 2
    shown = capsys.readouterr()
    assert said in shown.err and "Traceback" not in shown.err and not shown.out


def test_check_says_what_is_not_verified() -> None:
    """In a process of its own: a console that another test made writes to that test's output."""
    study = str(config_root() / "studies" / "quickstart.yaml")
    told = subprocess.run([sys.executable, "-m", "stresslab", "check", study], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert "rulebook binance_usdm/BTCUSDT@2024-08-01, last seen in force on 2025-06-12" in told.stdout
    for line in venues.load("binance_usdm/BTCUSDT@2024").warnings:
        assert f"not verified: {line}" in told.stdout
