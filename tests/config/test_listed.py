"""What a shipped rulebook lists a study can say: every margin mode and every collateral, in a study that is checked.

A currency that the contract settles in, or a dollar where it settles in one, is cash; another asset is one of
`collaterals`, priced by the model.
"""

from typing import Any

import pytest
from helpers.spots import SPOTS

from stresslab import venues
from stresslab.config import study_from_dict
from stresslab.config.build import BookFacts
from stresslab.config.general_book import GeneralBook
from stresslab.execution import run_plan
from stresslab.grid.plan import make_plan
from stresslab.grid.serial import Serial
from stresslab.venues import Rulebook

DOLLARS = ("USD", "USDC", "USDT")
RULEBOOKS = {name: venues.load(name) for name in venues.available()}
MODES = [(name, mode) for name, rules in RULEBOOKS.items() for mode in rules.collateral.modes]
COLLATERALS = [
    (name, mode, asset.currency)
    for name, rules in RULEBOOKS.items()
    for mode in rules.collateral.modes
    for asset in rules.collateral.assets
    if asset.currency in (rules.contract.base, rules.contract.settle) or asset.currency in DOLLARS
]
EXPIRY = "2026-10-30T08:00:00Z"


def study(rules: Rulebook, mode: str, backing: dict[str, Any], assets: tuple[str, ...] = ()) -> Any:
    """A position of about one unit of the asset, backed so."""
    base = rules.contract.base
    models: dict[str, Any] = {"own": {"kind": "gbm", "sigma": 0.6}}
    market: dict[str, Any] = {"asset": base, "spot": SPOTS[base], "model": "own", "step": "1h", "horizons": ["1D"]}
    if assets:
        models |= {"peg": {"kind": "gbm", "sigma": 0.01}}
        models |= {"both": {"kind": "joint", "assets": {base: "own", assets[0]: "peg"}, "correlation": 0.0}}
        market |= {"model": "both", "spots": {assets[0]: 1.0}}
    position: dict[str, Any] = {"side": "long", "quantity": SPOTS[base] if rules.contract.kind == "inverse" else 1.0}
    if getattr(rules.contract, "dated", False):
        own = position | {"expiry": EXPIRY} | (backing if mode == "isolated" else {})
        backing, position = ({} if mode == "isolated" else backing) | {"positions": [own]}, {}
    if rules.contract.kind == "option":
        position = {"side": "short", "quantity": 0.1, "option": "put", "strike": 0.9 * SPOTS[base], "expiry": EXPIRY}
        backing = backing | {"positions": [position]}
        position = {}
    return study_from_dict(
        {
            "study": "listed",
            "as_of": "2026-09-25T00:00:00Z",
            "seed": 1,
            "market": market,
            "models": models,
            "book": {"rulebook": rules.id, "margin_mode": mode, **position, **backing},
            "sampling": {"paths": 256, "block": 256},
        }
    )


def is_cash(rules: Rulebook, currency: str) -> bool:
    settle = rules.contract.settle
    return currency == settle or (currency in DOLLARS and settle in DOLLARS)


def enough(rules: Rulebook) -> float:
    """Cash for half of the position."""
    return 0.5 if rules.contract.settle == rules.contract.base else 0.5 * SPOTS[rules.contract.base]


@pytest.mark.parametrize("name, mode", MODES)
def test_a_margin_mode_can_be_written(name: str, mode: str) -> None:
    rules = RULEBOOKS[name]
    (book,) = make_plan(study(rules, mode, {"collateral": enough(rules)})).books
    assert isinstance(book, BookFacts | GeneralBook)
    assert book.equity > 0


@pytest.mark.parametrize("name, mode, currency", COLLATERALS)
def test_a_collateral_can_be_written(name: str, mode: str, currency: str) -> None:
    """As cash where it is that, else as one of collaterals and nothing beside it."""
    rules = RULEBOOKS[name]
    backing: dict[str, Any] = {"collateral": enough(rules)}
    if not is_cash(rules, currency):
        backing = {"collaterals": [{"asset": currency, "amount": 0.5}]}
    plan = make_plan(study(rules, mode, backing))
    (book,) = plan.books
    assert isinstance(book, BookFacts | GeneralBook)
    (haircut,) = [asset.haircut for asset in rules.collateral.assets if asset.currency == currency]
    if not is_cash(rules, currency):
        assert isinstance(book, GeneralBook)
        assert [(one.asset, one.haircut) for one in book.accounts[0].collaterals] == [(currency, haircut)]
        assert (run_plan(plan, Serial())["status"] == "ok").all()


@pytest.mark.parametrize("name", [name for name, rules in RULEBOOKS.items() if rules.contract.kind == "linear"])
def test_a_dollar_may_have_a_price_of_its_own(name: str) -> None:
    """Every listed dollar is an asset of a joint model too: it can lose its peg."""
    rules = RULEBOOKS[name]
    for currency in (asset.currency for asset in rules.collateral.assets if asset.currency in DOLLARS):
        amount = 0.5 * SPOTS[rules.contract.base]
        backing = {"collaterals": [{"asset": currency, "amount": amount}]}
        (book,) = make_plan(study(rules, rules.collateral.modes[0], backing, (currency,))).books
        assert isinstance(book, GeneralBook)
        assert book.accounts[0].backing == pytest.approx(amount)


def test_every_listed_collateral_is_one_of_the_two() -> None:
    """None is a third thing: cash, or an asset that a model prices."""
    for rules in RULEBOOKS.values():
        for asset in rules.collateral.assets:
            assert is_cash(rules, asset.currency) or asset.currency in SPOTS, (rules.id, asset.currency)
