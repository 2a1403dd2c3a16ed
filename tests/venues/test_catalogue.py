"""Loading rulebooks: every shipped one, a file of one's own, and what a wrong file is told."""

import re

import pytest
import yaml

from stresslab import venues
from stresslab.errors import InputError
from stresslab.shipped import config_root

NEWEST, _, OLDER = (config_root() / "venues" / "binance_usdm" / "BTCUSDT.yaml").read_text().partition("# Older")
DATES = "valid_from: 2025-08-19T06:30:00Z\nlast_seen: 2026-09-29\n"
SHIPPED = NEWEST.replace(DATES, "as_of: 2024-10-24\n")  # as a file was dated before there were editions


@pytest.fixture
def written(tmp_path):
    """Writes the shipped file with one text replaced, and gives its name and folder."""

    def write(old="", new=""):
        assert old in SHIPPED
        (tmp_path / "mine.yaml").write_text(SHIPPED.replace(old, new, 1))
        return "mine.yaml", tmp_path

    return write


@pytest.mark.parametrize("name", venues.available())
def test_a_shipped_rulebook_loads_and_says_what_it_rests_on(name):
    book = venues.load(name)
    assert book.id == name
    assert book.source and book.confidence and book.assumptions
    assert book.warnings == tuple(f"{name} ({book.as_of}): {line}" for line in book.unverified) != ()
    assert all("\n" not in line and len(line) < 160 for line in book.warnings)


@pytest.mark.parametrize("name", ["binance_usdm/BTCUSDT", "binance_usdm/ETHUSDT"])
def test_what_the_first_two_assume(name):
    book = venues.load(name)
    assert book.needs == ()
    assumed = " ".join(book.assumptions)
    for word in ("tiers", "clearance fee", "Taker", "insurance fund", "Mark = last = index", "Funding", "basis points"):
        assert word in assumed


def test_a_file_of_ones_own(written, monkeypatch):
    name, folder = written("taker: 0.0005", "taker: 0.0004")
    assert venues.load(name, folder).fees.taker == 0.0004
    assert venues.load(str(folder / name)) == venues.load(name, folder)
    assert venues.load(folder / name, folder.parent) == venues.load(name, folder)
    monkeypatch.chdir(folder)
    assert venues.load(name) == venues.load(name, folder)
    assert venues.load("./mine.yaml") == venues.load(name, folder)


@pytest.mark.parametrize(
    "name, message",
    [
        (
            "binance_usdm/BTCUSD",
            "got 'binance_usdm/BTCUSD': there is no such rulebook (a path to a file ends in .yaml or .yml). "
            "Did you mean 'binance_usdm/BTCUSDC' or 'binance_usdm/BTCUSDT'? Else `stresslab venues import FILE "
            "--venue binance_usdm` makes it from the venue's tier file",
        ),
        (
            "binance_usdm/1000PEPEUSDT",
            "got 'binance_usdm/1000PEPEUSDT': there is no such rulebook (a path to a file ends in .yaml or .yml). "
            "`stresslab venues import FILE --venue binance_usdm` makes it from the venue's tier file",
        ),
        (
            "binance_usdm",
            "got 'binance_usdm': there is no such rulebook (a path to a file ends in .yaml or .yml). "
            "Known there: binance_usdm/BNBUSDT, binance_usdm/BTCUSDC, binance_usdm/BTCUSDT, binance_usdm/DOGEUSDT, "
            "binance_usdm/ETHUSDC, binance_usdm/ETHUSDT, binance_usdm/SOLUSDT, binance_usdm/XRPUSDT",
        ),
        (
            "nowhere",
            "got 'nowhere': there is no such rulebook (a path to a file ends in .yaml or .yml). "
            "`stresslab venues` lists them",
        ),
        (
            "../venues/binance_usdm/BTCUSDT",
            "got '../venues/binance_usdm/BTCUSDT': there is no such rulebook (a path to a file ends in .yaml or .yml). "
            "Did you mean 'binance_usdm/BTCUSDT' or 'binance_usdm/BTCUSDC' or 'binance_usdm/ETHUSDT'?",
        ),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name, message):
    with pytest.raises(InputError) as refusal:
        venues.load(name)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    "name, meant",
    [
        ("bitmex/BTCUSD", "'bitmex/XBTUSD'"),
        ("kraken/PF_BTCUSD", "'kraken/PF_XBTUSD' or 'kraken/PI_XBTUSD'"),
        ("okx/BTCUSDT", "'okx/BTC-USDT-SWAP'"),
        ("gate/btcusdt", "'gate/BTC_USDT'"),
        ("kucoin/BTC-USDT", "'kucoin/XBTUSDTM'"),
        ("hyperliquid/btc", "'hyperliquid/BTC'"),
    ],
)
def test_another_spelling_of_a_symbol_is_known(name, meant):
    with pytest.raises(InputError) as refusal:
        venues.load(name)
    assert str(refusal.value).endswith(f"Did you mean {meant}?")


def test_a_rulebook_that_was_imported_here_is_a_file(written):
    name, folder = written()
    (folder / "gate").mkdir()
    (folder / "gate" / "WLD_USDT.yaml").write_text((folder / name).read_text())
    with pytest.raises(InputError, match="There is a file of that name: write gate/WLD_USDT.yaml"):
        venues.load("gate/WLD_USDT", folder)
    assert venues.load("gate/WLD_USDT.yaml", folder)


def test_a_file_that_is_not_there(written):
    _, folder = written()
    with pytest.raises(InputError) as refusal:
        venues.load("mien.yaml", folder)
    assert str(refusal.value) == f"{folder}/mien.yaml: there is no such file. Did you mean 'mine.yaml'?"


@pytest.mark.parametrize(
    "old, new, message",
    [
        (
            "taker: 0.0005",
            "taker: '5e-4'",
            "fees.taker = '5e-4': must be a valid number. It is text: write it without quotes, 5e-4",
        ),
        ("taker: 0.0005", "taker: -0.1", "fees.taker = -0.1: must be greater than or equal to 0"),
        ("taker: 0.0005", "taker: true", "fees.taker = True: must be a valid number"),
        ("taker: 0.0005", "taker: .inf", "fees.taker = inf: must be a finite number"),
        (
            "taker: 0.0005",
            "takr: 0.0005",
            "fees.takr: there is no such key. Did you mean 'taker'? "
            "Also fees.taker: this key is required and is missing",
        ),
        ("taker: 0.0005, ", "", "fees.taker: this key is required and is missing"),
        (
            "mmr: 0.005,",
            "mmr: '5e-3',",
            "requirement.tiers[1].mmr = '5e-3': must be a valid number. It is text: write it without quotes, 5e-3",
        ),
        (
            "cum: 1500}",
            "cum: 1501}",
            "requirement.tiers[2].cum = 1501.0: must be cum before + floor * (mmr - mmr before), 1500",
        ),
        (
            "floor: 300000,",
            "floor: 290000,",
            "requirement.tiers[1].floor = 290000.0: must be the cap of the tier before it, 300000",
        ),
        (
            "shape: marginal",
            "shape: flatt",
            "requirement.shape = 'flatt': must be one of 'marginal', 'flat', 'affine', 'sqrt', 'option'. "
            "Did you mean 'flat'?",
        ),
        (
            "kind: linear",
            "kind: linea",
            "contract.kind = 'linea': must be one of 'linear', 'inverse', 'quanto', 'option'. Did you mean 'linear'?",
        ),
        (
            "modes: [isolated, cross]",
            "modes: [isolated, crossed]",
            "collateral.modes[1] = 'crossed': must be 'isolated', 'cross' or 'portfolio'",
        ),
        (
            "kind: equals_index",
            "kind: median",
            "mark.kind = 'median': must be one of 'equals_index', 'median_of_three', 'index_plus_ema', 'oracle', "
            "'fair_funding'",
        ),
        (
            "residual: insurance",
            "residual: us",
            "liquidation.residual = 'us': must be 'customer', 'insurance' or 'backstop'",
        ),
        (
            "stage: full",
            "stage: half",
            "liquidation.ladder[0].stage = 'half': must be one of 'cancel_orders', 'reduce_tiers', "
            "'to_passing_tier', 'fraction', 'cover_shortage', 'incremental', 'full'",
        ),
        ("charged_to: wallet", "charged_to: me", "fees.entry_charged_to = 'me': must be 'wallet' or 'margin'"),
        ("charged_to: margin", "charged_to: wallet", "funding.charged_to = 'wallet': must be 'margin'"),
        (
            "interval: 8h",
            "interval: 8 hours",
            "funding.interval = '8 hours': a duration is a whole positive number and a unit: s, min, h or D. "
            'Write for example "15min", "8h" or "7D"',
        ),
        ("slippage_bps: 10.0", "slippage_bps: 10000", "close_out.slippage_bps = 10000: must be less than 10000"),
        ("as_of: 2024-10-24", "as_of: soon", "as_of = 'soon': must be a valid date"),
        (
            "id: binance_usdm/BTCUSDT",
            "id: BTCUSDT",
            "id = 'BTCUSDT': must match pattern '^[a-z0-9_]+/[\\w-]+$'",
        ),
        (
            "id: binance_usdm/BTCUSDT",
            "id: a/B\nid: a/C",
            "not valid YAML: the key 'id' is written twice (line 3, column 1)",
        ),
    ],
)
def test_a_wrong_file_is_told_key_value_and_rule(written, old, new, message):
    name, folder = written(old, new)
    with pytest.raises(InputError) as refusal:
        venues.load(name, folder)
    assert str(refusal.value) == f"{folder}/mine.yaml: {message}"


def test_a_file_without_tiers(tmp_path):
    data = yaml.safe_load(SHIPPED)
    data["requirement"]["tiers"] = []
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(data))
    with pytest.raises(InputError, match=re.escape("requirement.tiers = []: ")):
        venues.load("mine.yaml", tmp_path)
