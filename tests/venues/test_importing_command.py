"""`stresslab venues import`: what is written is read and run; what is there stays; what is left out is said."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.command import call
from helpers.tier_files import BINANCE, BYBIT, GATE, HYPERLIQUID, KRAKEN, KUCOIN, OKX, changed, written

from stresslab import venues
from stresslab.config import study_from_dict
from stresslab.execution import run_plan
from stresslab.files.yaml_reader import read_yaml
from stresslab.grid.plan import make_plan
from stresslab.grid.serial import Serial
from stresslab.venues.importing import imported

SEEN = datetime(2026, 9, 29, tzinfo=UTC)
DAY = ("--as-of", "2026-09-29")


def study(file: Path, asset: str = "WLD", **book: Any) -> dict[str, Any]:
    return {
        "study": "imported",
        "as_of": "2026-09-29T12:00:00Z",
        "seed": 1,
        "market": {"asset": asset, "spot": 2.0, "model": "gbm", "step": "1h", "horizons": ["1D"]},
        "models": {"gbm": {"kind": "gbm", "sigma": 1.0}},
        "book": {"rulebook": str(file), "side": "long", "collateral": 1_000, "leverage": 10, **book},
        "sampling": {"paths": 256, "block": 256},
    }


@pytest.mark.parametrize(
    "venue, data, symbol",
    [
        ("binance_usdm", BINANCE, "WLDUSDT"),
        ("bybit", BYBIT, "WLDUSDT"),
        ("okx", OKX, "WLD-USDT-SWAP"),
        ("gate", GATE, "WLD_USDT"),
        ("kucoin", KUCOIN, "WLDUSDTM"),
        ("kraken", KRAKEN, "PF_WLDUSD"),
        ("hyperliquid", HYPERLIQUID, "kSHIB"),
    ],
)
def test_what_is_written_is_read_and_run(tmp_path: Path, venue: str, data: Any, symbol: str) -> None:
    path = written(tmp_path, data)
    done = call("venues", "import", str(path), "--venue", venue, *DAY, "-o", str(tmp_path))
    file = tmp_path / venue / f"{symbol}.yaml"
    assert done.code == 0 and f"written to {tmp_path / venue}" in done.out
    book = venues.load(file)
    assert book == imported(path, venue, SEEN).books[symbol]
    leverage = min(10.0, float(book.max_leverage(book.size(500, 2.0))) * 0.9)
    planned = make_plan(study_from_dict(study(file, book.contract.base, leverage=leverage)))
    (held,) = planned.books
    quantity = leverage * 1_000 / 2.0
    fee = 2.0 * quantity * book.fees.taker if book.fees.entry_charged_to == "margin" else 0.0
    wanted = float(book.liquidation_price("long", 2.0, quantity, 1_000 - fee))
    assert held.liquidation_price == pytest.approx(wanted, rel=1e-6)
    assert (run_plan(planned, Serial())["status"] == "ok").all()


def test_a_study_of_an_imported_file_is_checked(tmp_path: Path) -> None:
    """What was taken from another rulebook is said where the study is checked."""
    assert call(
        "venues", "import", str(written(tmp_path, BINANCE)), "--venue", "binance_usdm", *DAY, "-o", str(tmp_path)
    )
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(study(tmp_path / "binance_usdm" / "WLDUSDT.yaml")))
    done = call("check", str(path))
    assert done.code == 0
    assert "not in tiers.json, taken from binance_usdm/BTCUSDT" in done.out + done.error


def test_a_rulebook_that_is_there_is_replaced_on_request_only(tmp_path: Path) -> None:
    words = ("--venue", "binance_usdm", "-o", str(tmp_path))
    path = written(tmp_path, BINANCE)
    assert call("venues", "import", str(path), *words, *DAY).code == 0
    again = call("venues", "import", str(path), *words, *DAY)
    assert again.code == 0 and "2 were there already and are the same" in again.out
    fewer = written(tmp_path, changed(BINANCE, lambda d: d[0]["brackets"].pop()))
    file = tmp_path / "binance_usdm" / "WLDUSDT.yaml"
    before = file.read_bytes()
    refused = call("venues", "import", str(fewer), *words, *DAY)
    assert refused.code == 2 and file.read_bytes() == before
    assert "is there already, and would change in 6 fields (requirement.tiers[2].floor" in refused.error
    assert "--replace writes over them" in refused.error
    assert call("venues", "import", str(fewer), *words, *DAY, "--replace").code == 0
    assert len(venues.load(file).requirement.tiers) == 2


def test_a_later_day_is_a_change_too(tmp_path: Path) -> None:
    """Written over in silence, a rulebook would no longer be known to hold on the days before."""
    words = (str(written(tmp_path, BINANCE)), "--venue", "binance_usdm", "-o", str(tmp_path))
    assert call("venues", "import", *words, *DAY).code == 0
    refused = call("venues", "import", *words, "--as-of", "2026-10-01")
    assert refused.code == 2 and "2 fields (valid_from, last_seen); and 1 rulebook more" in refused.error


def test_a_file_that_is_no_rulebook_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "binance_usdm" / "WLDUSDT.yaml"
    file.parent.mkdir()
    file.write_text("mine: 1\n")
    words = (str(written(tmp_path, BINANCE)), "--venue", "binance_usdm", *DAY, "-o", str(tmp_path))
    assert "a file that is no rulebook" in call("venues", "import", *words).error and file.read_text() == "mine: 1\n"


def test_damaged_contracts_are_left_out_on_request(tmp_path: Path) -> None:
    bad = changed(BINANCE, lambda d: d[0]["brackets"][1].update(cum=7))
    words = (str(written(tmp_path, bad)), "--venue", "binance_usdm", *DAY, "-o", str(tmp_path))
    refused = call("venues", "import", *words)
    assert refused.code == 2 and "--skip-bad leaves them out and writes the other 1" in refused.error
    assert not (tmp_path / "binance_usdm").exists()
    done = call("venues", "import", *words, "--skip-bad")
    assert done.code == 0 and "1 rulebook written" in done.out and "skipped WLDUSDT: must be 100" in done.error


def test_contracts_that_no_rulebook_fits_are_named_at_the_end(tmp_path: Path) -> None:
    """They need no option: nothing is wrong with the file."""
    data = [*BINANCE, {**BINANCE[0], "symbol": "BTCUSDT_261225"}, {**BINANCE[0], "symbol": "ETHBTC"}]
    words = ("--venue", "binance_usdm", *DAY, "-o", str(tmp_path))
    done = call("venues", "import", str(written(tmp_path, data)), *words)
    assert done.code == 0 and "2 rulebooks written" in done.out
    assert (
        "skipped BTCUSDT_261225: is a dated contract" in done.error and "skipped ETHBTC: is in a currency" in done.error
    )
    none = call("venues", "import", str(written(tmp_path, data[2:])), *words)
    assert none.code == 2 and "is a dated contract" in none.error


@pytest.mark.parametrize(
    "words, said",
    [
        ((), "--as-of: the day of the file is not known. Give --as-of, the day on which"),
        (("--as-of", "yesterday"), "--as-of = 'yesterday': is no date in ISO 8601. Write for example 2026-09-29"),
        (("--as-of", "2962-09-29"), "lies in the future"),
    ],
)
def test_the_day_has_to_be_known(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = call("venues", "import", str(written(tmp_path, BINANCE)), "--venue", "binance_usdm", *words)
    assert done.code == 2 and said in done.error


def test_the_day_of_the_answer_is_taken_and_not_contradicted(tmp_path: Path) -> None:
    data = {**BYBIT, "time": 1790697600000}  # 2026-09-29T16:00Z
    assert imported(written(tmp_path, data), "bybit").books["WLDUSDT"].valid_from == SEEN
    words = (str(tmp_path / "tiers.json"), "--venue", "bybit", "-o", str(tmp_path))
    refused = call("venues", "import", *words, "--as-of", "2026-09-28")
    assert refused.code == 2 and "the venue gave it on 2026-09-29. Leave --as-of out" in refused.error
    assert call("venues", "import", *words).code == 0


def test_files_read_do_not_grow_with_the_contracts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lending rulebooks are read once for a file, not once for each contract."""
    counts = []
    for n_contracts in (3, 90):
        rows = _eight(BINANCE[0]["brackets"])
        data = [{**BINANCE[0], "symbol": f"COIN{n}USDT", "brackets": rows} for n in range(n_contracts)]
        calls: Counter[str] = Counter()
        with monkeypatch.context() as patch:
            patch.setattr("stresslab.venues.catalogue.read_yaml", lambda path, calls=calls: _counted(path, calls))
            path, out = written(tmp_path, data), tmp_path / str(n_contracts)
            done = call("venues", "import", str(path), "--venue", "binance_usdm", *DAY, "-o", str(out))
        assert done.code == 0 and f"{n_contracts} rulebooks written" in done.out
        counts.append(calls)
    assert counts[0] == counts[1] and counts[0]


def _counted(path: Path, calls: Counter[str]) -> Any:
    calls[path.name] += 1
    return read_yaml(path)


def _eight(brackets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Further tiers that each begin at the end of the last one, at the same rate."""
    found = list(brackets)
    while len(found) < 8:
        last = found[-1]
        found.append({**last, "notionalFloor": last["notionalCap"], "notionalCap": 2 * last["notionalCap"]})
    return found
