"""Every way to get a study file wrong: the refusal names the file, the key, the value, the rule and the next move."""

from collections.abc import Callable

import pytest

Refusal = Callable[[str, str], str]

NUMBER = "must be a valid number"
DURATION = "a duration is a whole positive number and a unit"
SIZE = "exactly two of leverage, collateral and quantity"
MISSING = "this key is required and is missing"
LEVERAGE = "leverage: 20}"
AS_OF = "2026-11-21T00:00:00Z"
HORIZONS = "[1D, 7D, 30D]"
EVENTS = "[liquidation, bankruptcy, loss_50]"
WHERE = "where: {leverage: 10}"
MODEL = "market.model: [gbm, heston]"
LADDER = "book.leverage: [3, 5, 10, 20, 50, 100]"

# Each row: a text of the study, what is written instead, the key that is named, and further parts of the refusal.
# fmt: off
KEYS = [
    ("seed:", "sede:", "sede", ["there is no such key", "Did you mean 'seed'"]),
    ("spot:", "spto:", "market.spto", ["= 84250.0", "there is no such key", "Did you mean 'spot'"]),
    ("sigma:", "sigam:", "models.gbm.sigam", ["= 0.52", "Did you mean 'sigma'"]),
    ("max_age:", "maxage:", "models.heston.maxage", ["Did you mean 'max_age'"]),
    ("set: {v0", "set: {v_0", "models.heston.set.v_0", ["Did you mean 'v0'"]),
    ("rate:", "rates:", "funding.rates", ["Did you mean 'rate'"]),
    ("leverage: 20", "leverge: 20", "book.leverge", ["= 20", "Did you mean 'leverage'"]),
    ("max_paths:", "max_path:", "sampling.target.max_path", ["Did you mean 'max_paths'"]),
    ("loss_levels:", "los_levels:", "outputs.los_levels", ["Did you mean 'loss_levels'"]),
    ("undecided:", "undecide:", "limits[0].undecide", ["Did you mean 'undecided'"]),
    ("study: btc-perp-nightly\n", "", "study", [MISSING]),
    ("asset: BTC, ", "", "market.asset", [MISSING]),
    ("kind: gbm, ", "", "models.gbm.kind", ["name a kind or a file", "gbm, merton, "]),
    ("spot: 84250.0", "1: 84250.0", "market", ["= 1:", "a key must be text"]),
    ("market: {", "market: 3\n#", "market", ["= 3", "must be a mapping"]),
    ("market: {", "market:\n#", "market", ["must be a mapping", "Nothing is written under this key"]),
    ("{kind: gbm, sigma: 0.52}", "0.52", "models.gbm", ["= 0.52", "must be a mapping"]),
    ("  gbm: {", "  g.bm: {", "models.g.bm", ["a name is made of letters, digits"]),
    ("sweep: {", "sweep: {}\n#", "sweep", ["= {}", "must not be empty"]),
    ("sweep: {", "sweep:\n#", "sweep", ["must be a mapping", "Nothing is written under this key"]),
]
NUMBERS = [
    ("84250.0", '"84250.0"', "market.spot", ["= '84250.0'", NUMBER, "without quotes, 84250.0"]),
    ("84250.0", "true", "market.spot", ["= True", NUMBER]),
    ("84250.0", "-1", "market.spot", ["= -1", "greater than 0"]),
    ("84250.0", ".nan", "market.spot", ["= nan", "finite"]),
    ("84250.0", ".inf", "market.spot", ["= inf", "finite"]),
    ("asset: BTC", "asset: 7", "market.asset", ["= 7", "string"]),
    ("asset: BTC", 'asset: ""', "market.asset", ["= ''", "1 to 200 printable"]),
    ("1.0e-4", "'1e-4'", "funding.rate", ["= '1e-4'", "without quotes, 1e-4"]),
    ("1.0e-4", "1.5", "funding.rate", ["= 1.5", "less than 1"]),
    ("sigma: 0.52", "sigma: 0", "models.gbm.sigma", ["= 0", "greater than 0"]),
    ("sigma: 0.52", "sigma: yes", "models.gbm.sigma", ["= 'yes'", NUMBER]),
    ("v0: 0.31", "v0: -0.31", "models.heston.set.v0", ["= -0.31", "greater than 0"]),
    ("seed: 20260101", "seed: -1", "seed", ["= -1", "greater than or equal to 0"]),
    ("seed: 20260101", "seed: 4294967296", "seed", ["= 4294967296", "less than 4294967296"]),
    ("seed: 20260101", "seed: 1.5", "seed", ["= 1.5", "whole number"]),
    ("paths: 262144", "paths: 0", "sampling.paths", ["= 0", "greater than or equal to 1"]),
    ("paths: 262144", "paths: -16384", "sampling.paths", ["= -16384", "greater than or equal to 1"]),
    ("paths: 262144", "paths: 1e6", "sampling.paths", ["= 1000000.0", "whole number", "Write 1000000"]),
    ("paths: 262144", "paths: 262144.0", "sampling.paths", ["= 262144.0", "whole number", "Write 262144"]),
    ("paths: 262144", "paths: 100000", "sampling.paths", ["multiple of block, 16384", "Write paths: 114688"]),
    ("paths: 262144", "paths: 1024", "sampling.paths", ["= 1024", "Write paths: 16384, or block: 1024"]),
    ("paths: 262144", "block: 300", "sampling.block", ["= 300", "power of two from 256 to 1048576"]),
    ("paths: 262144", "block: 128", "sampling.block", ["= 128", "power of two from 256 to 1048576"]),
    ("paths: 262144", "antithetic: 1", "sampling.antithetic", ["= 1", "boolean"]),
    ("paths: 262144", "streams: sharde", "sampling.streams", ["= 'sharde'", "'shared' or 'independent'"]),
]
CLOCK = [
    ("step: 15min", "step: 15 minutes", "market.step", ["= '15 minutes'", DURATION, '"15min"']),
    ("step: 15min", "step: 15", "market.step", ["= 15:", DURATION]),
    ("step: 15min", "step: 2D", "market.step", ["= '2D'", "must not be longer than the shortest horizon, 1D"]),
    ("step: 15min", "step: 7h", "market.step", ["= '7h'", "must divide every horizon; 1D is not a multiple"]),
    ("interval: 8h", "interval: 7h", "funding.interval", ["= '7h'", "must divide a day", "1h, 4h or 8h"]),
    (HORIZONS, "[1D, 30D, 7D]", "market.horizons", ["'30D', '7D'", "from short to long", "Write [1D, 7D, 30D]"]),
    (HORIZONS, "[1D, 24h]", "market.horizons", ["= '1D'", "is given twice"]),
    (HORIZONS, "[]", "market.horizons", ["= []", "must not be empty"]),
    (HORIZONS, "1D", "market.horizons", ["= '1D'", "must be a list"]),
    (HORIZONS, "[1D, 1M]", "market.horizons[1]", ["= '1M'", DURATION]),
    (HORIZONS, "[1D, 7d]", "market.horizons[1]", ["= '7d'", DURATION, 'Write "7D"']),
    (HORIZONS, "[1D, 4000D]", "market.horizons", ["= '4000D'", "at most 3650D"]),
    ("15min, horizons: [1D, 7D, 30D]", "1s, horizons: [3650D]", "market.step", ["= '1s'", "steps to 3650D"]),
    ("interval: 8h", "interval: 8", "funding.interval", ["= 8:", DURATION]),
    (AS_OF, "2026-11-21T00:00:00", "as_of", ["= '2026-11-21 00:00:00'", "zone is missing", AS_OF]),
    (AS_OF, "2026-11-21", "as_of", ["= '2026-11-21'", "zone is missing", AS_OF]),
    (AS_OF, "tonight", "as_of", ["= 'tonight'", "must be a date and time with its zone", AS_OF]),
    (AS_OF, "20261121", "as_of", ["= 20261121", "must be a date and time with its zone"]),
    (AS_OF, "2026-11-21T00:00:00.5Z", "as_of", ["00.5", "must be a whole second"]),
    (AS_OF, "1066-10-14T09:00:00Z", "as_of", ["1066", "years 1970 to 2200"]),
    (AS_OF, "2026-12-21T00:00:00Z", "models.heston.max_age",
     ["= '8D'", "end at 2026-11-20T00:00:00Z", "as_of 2026-12-21T00:00:00Z", "too old", "Calibrate again"]),
]
BOOK = [
    (LEVERAGE, "leverage: 0}", "book.leverage", ["= 0", "greater than 0"]),
    (LEVERAGE, "leverage: 20, quantity: 1}", "book", [SIZE, "leverage 20, collateral 100000, quantity 1"]),
    ("leverage: 20}\nsweep", "}\n#", "book", [SIZE, "given: collateral 100000"]),
    ("BTCUSDT", "BTCUST", "book.rulebook", ["= 'binance_usdm/BTCUST'", "no such rulebook", "binance_usdm/BTCUSDT"]),
    ("isolated", "crossed", "book.margin_mode", ["= 'crossed'", "'isolated', 'cross' or 'portfolio'"]),
    ("side: long,", "side: Long,", "book.side", ["= 'Long'", "'long' or 'short'"]),
    (LEVERAGE, "leverage: 20, margin: 5000}", "book.margin", ["= 5000.0", "needs entry_price"]),
    (LEVERAGE, "leverage: 20, entry_price: 0}", "book.entry_price", ["= 0", "greater than 0"]),
    ("100000", "1.0e-300", "book.collateral", ["= 1e-300", "must lie between 1e-30 and 1e+30", "in another unit"]),
    ("100000", "1.0e+300", "book.collateral", ["= 1e+300", "must lie between 1e-30 and 1e+30"]),
    ("84250.0", "1.0e-300", "market.spot", ["= 1e-300", "must lie between 1e-30 and 1e+30"]),
    (LEVERAGE, "leverage: 20, reserve: 1.0e+300}", "book.reserve", ["= 1e+300", "must lie between 1e-30 and 1e+30"]),
    (LEVERAGE, "leverage: 20, slippage_bps: -1}", "book.slippage_bps", ["= -1", "greater than or equal to 0"]),
    ("model: heston", "model: hestn", "market.model", ["= 'hestn'", "no name under models", "Did you mean 'heston'"]),
    ("kind: gbm", "kind: gmb", "models.gbm.kind", ["= 'gmb'", "no such kind of model", "Did you mean 'gbm'"]),
    ("kind: gbm", "kind: [gbm]", "models.gbm.kind", ["no such kind of model", "Known: gbm"]),
    ("kind: constant", "kind: random", "funding.kind", ["= 'random'", "Known: constant"]),
    ("btc-perp-nightly", "btc/perp", "study", ["= 'btc/perp'", "letters, digits"]),
]
QUESTIONS = [
    (EVENTS, "[liquidaton]", "outputs.events[0]", ["= 'liquidaton'", "an event is", "Did you mean 'liquidation'"]),
    (EVENTS, "[ruin]", "outputs.events[0]", ["= 'ruin'", "loss_1 to loss_99"]),
    (EVENTS, "[loss_100]", "outputs.events[0]", ["= 'loss_100'", "loss_99 is the largest"]),
    (EVENTS, "[loss_05]", "outputs.events[0]", ["= 'loss_05'", "Write loss_5"]),
    (EVENTS, "[bankruptcy, bankruptcy]", "outputs.events", ["= 'bankruptcy'", "is given twice"]),
    (EVENTS, "[]", "outputs.events", ["must not be empty"]),
    (EVENTS, "[bankruptcy]", "outputs.ruin", ["= 'liquidation'", "must be one of events", "Add liquidation"]),
    ("[0.95, 0.99]", "[95]", "outputs.loss_levels[0]", ["= 95", "between 0 and 1", "write 0.95"]),
    ("[0.95, 0.99]", "[0.0]", "outputs.loss_levels[0]", ["= 0.0", "between 0 and 1"]),
    ("[0.95, 0.99]", "[0.99, 0.99]", "outputs.loss_levels", ["= 0.99", "is given twice"]),
    ("loss_levels: [0.95, 0.99]", "survival_points: 0", "outputs.survival_points", ["= 0"]),
    ("relative: 0.05", "relative: 0.05, absolute: 0.01", "sampling.target", ["exactly one of relative", "are two"]),
    ("relative: 0.05, ", "", "sampling.target", ["exactly one of relative and absolute", "is none"]),
    ("relative: 0.05", "relative: 5", "sampling.target.relative", ["= 5", "between 0 and 1", "write 0.05"]),
    ("4194304", "16384", "sampling.target.max_paths", ["= 16384", "at least paths, 262144"]),
    ("4194304", "4194305", "sampling.target.max_paths", ["= 4194305", "multiple of block", "4210688"]),
    ("{event: liquidation", "{event: loss_20", "sampling.target.event", ["not among outputs.events", "'loss_50'"]),
    ("target: {", "target: {horizon: 2D, ", "sampling.target.horizon", ["= '2D'", "not among market.horizons"]),
    ("liq-1D, event: liquidation", "liq-1D, event: loss_40", "limits[0].event", ["= 'loss_40'", "'loss_50'"]),
    ("horizon: 1D", "horizon: 2D", "limits[0].horizon", ["= '2D'", "market.horizons, or name one of 1D"]),
    (WHERE, "where: {leverag: 10}", "limits[0].where.leverag", ["not a swept dimension", "Did you mean 'leverage'"]),
    (WHERE, "where: {leverage: 11}", "limits[0].where.leverage", ["= 11", "not among the swept", "10.0, 20.0"]),
    (WHERE, "where: {leverage: true}", "limits[0].where.leverage", ["= True", "not among the swept"]),
    (WHERE, "where: {side: lnog}", "limits[0].where.side", ["= 'lnog'", "Did you mean 'long'"]),
    (WHERE, "where: [leverage]", "limits[0].where", ["dictionary"]),
    ("max: 0.02", "max: 2", "limits[0].max", ["= 2", "between 0 and 1", "write 0.02"]),
    ("max: 0.02", "max: 0", "limits[0].max", ["= 0", "between 0 and 1"]),
    ("undecided: breach", "undecided: maybe", "limits[0].undecided", ["= 'maybe'", "'breach', 'pass' or"]),
    ("breach}", "breach}\n  - {name: liq-1D, event: liquidation, horizon: 7D, max: 0.5}",
     "limits[1].name", ["= 'liq-1D'", "is given twice"]),
    ("limits:\n  - ", "limits:\n    a: ", "limits", ["must be a list"]),
]
SWEEPS = [
    ("[long, short]", "[]", "sweep.book.side", ["= []", "must not be empty"]),
    ("[long, short]", "long", "sweep.book.side", ["= 'long'", "must be a list"]),
    ("[long, short]", "[long, shrot]", "sweep.book.side", ["= 'shrot'", "'long' or 'short'"]),
    ("[long, short]", "[long, [short]]", "sweep.book.side", ["= ['short']", "a number or text"]),
    ("[long, short]", "[long, long]", "sweep.book.side", ["= 'long'", "is given twice"]),
    ("100]}", "100, 3.0]}", "sweep.book.leverage", ["= 3.0", "is given twice"]),
    ("100]}", "0]}", "sweep.book.leverage", ["= 0", "greater than 0"]),
    ("[3, 5", "[true, 5", "sweep.book.leverage", ["= True", "a number or text"]),
    ("[3, 5", "[-3, 5", "sweep.book.leverage", ["= -3", "greater than 0"]),
    ("[3, 5", "[.nan, 5", "sweep.book.leverage", ["= nan", "finite"]),
    ("[3, 5", '["3", 5', "sweep.book.leverage", ["= '3'", NUMBER]),
    ("book.leverage:", "book.leverge:", "sweep.book.leverge", ["Did you mean 'leverage'"]),
    ("book.leverage:", "leverage:", "sweep.leverage", ["no path that can be swept", "'book.leverage'"]),
    (LADDER, "models.hestn.v0: [1]", "sweep.models.hestn.v0", ["no path that can be", "'models.heston.v0'"]),
    (LADDER, "sampling.paths: [1]", "sweep.sampling.paths", ["no path that can be swept", "Those are as_of"]),
    (LADDER, "market.horizons: [1]", "sweep.market.horizons", ["no path that can be swept"]),
    (LADDER, "market.asset: [ETH]", "sweep.market.asset", ["no path that can be swept"]),
    (LADDER, "book.quantity: [1]", "book", [SIZE, "book.quantity is there from the sweep"]),
    (LADDER, "book.rulebook: [nowhere/BTC]", "sweep.book.rulebook", ["= 'nowhere/BTC'", "no such rulebook"]),
    (LADDER, "book.rulebook: [3]", "sweep.book.rulebook", ["= 3", "a rulebook is an id"]),
    ("leverage: 20}\nsweep: {", "quantity: 2}\nsweep: {book.quantity: [1, 2]}\n#",
     "sweep.book.quantity", ["'quantity'", "which the results use", "Sweep book.leverage or book.collateral"]),
    (MODEL, "market.model: [gbm, hestn]", "sweep.market.model", ["= 'hestn'", "Did you mean 'heston'"]),
    (MODEL, "market.step: [15min, 7h]", "sweep.market.step", ["= '7h'", "must divide every horizon"]),
    (MODEL, "market.step: [1h, 60min]", "sweep.market.step", ["= '60min'", "is given twice"]),
    (MODEL, "funding.interval: [8h, 50min]", "sweep.funding.interval", ["= '50min'", "must divide a day"]),
    (MODEL, "models.gbm.sigma: [0.4]", "sweep.models.gbm.sigma", ["no cell uses the model 'gbm'", "Add gbm"]),
    (MODEL, f"as_of: [{AS_OF}, 2026-12-24T00:00:00Z]", "sweep.as_of", ["2026-12-24", "too old"]),
    (MODEL, "models.gbm.mu: [0.0], models.heston.mu: [0.0]", "sweep.models.heston.mu",
     ["its dimension would be 'mu'", "as that of models.gbm.mu"]),
]
# fmt: on


@pytest.mark.parametrize("old, new, key, parts", KEYS + NUMBERS + CLOCK + BOOK + QUESTIONS + SWEEPS)
def test_a_refusal_says_where_what_and_how(refusal: Refusal, old: str, new: str, key: str, parts: list[str]) -> None:
    text = refusal(old, new)
    assert text.split(": ")[0].split(" = ")[0] == key
    assert all(part in text for part in parts), text


def test_several_problems_are_told_at_once(refusal: Refusal) -> None:
    text = refusal("spot: 84250.0, model: heston", "spot: -1, model: 3")
    assert "market.spot = -1" in text and "market.model = 3" in text


def test_too_many_cells_are_refused(refusal: Refusal) -> None:
    values = ", ".join(str(value) for value in range(1, 1002))
    text = refusal("sweep: {", f"sweep: {{market.spot: [{values}], book.leverage: [{values}]}}\n#")
    assert text == "sweep: makes 1002001 cells; at most 1000000 are allowed"
