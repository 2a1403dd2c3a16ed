"""Rulebooks with own numbers, what the schema refuses, what two have different, and what an engine needs."""

import re

import pytest
from pydantic import ValidationError

from stresslab import venues
from stresslab.errors import InputError
from stresslab.venues.difference import differences

BTC = venues.load("binance_usdm/BTCUSDT@2024")


def test_sections_are_merged_and_lists_replaced():
    tier = {"floor": 0, "cap": 1e6, "mmr": 0.01, "imr": 0.02, "max_leverage": 50, "cum": 0}
    book = venues.variant(BTC, {"fees": {"taker": 0.001}, "requirement": {"tiers": [tier]}})
    assert (book.fees.taker, book.fees.maker) == (0.001, BTC.fees.maker)
    assert book.maintenance_margin(1e6) == 1e4
    assert book.hash != BTC.hash and BTC.fees.taker == 0.0005
    assert venues.variant(BTC, {}) == BTC


def test_another_kind_takes_the_section_whole():
    book = venues.variant(BTC, {"mark": {"kind": "oracle", "update": "1s", "max_age": None}})
    assert book.mark.kind == "oracle"
    with pytest.raises(InputError, match=re.escape("contract.base: this key is required and is missing")):
        venues.variant(BTC, {"contract": {"kind": "inverse", "face": 1.0}})


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"requirement": {"tier_unit": "coin"}},
            "requirement.tier_unit = 'coin': tiers of a contract of the kind linear are counted in quote or base or "
            "contracts",
        ),
        (
            {"requirement": {"tier_at": "entry"}},
            "requirement.tier_at = 'entry': is entry where the basis is entry, and trigger_price where it is not",
        ),
        ({"collateral": {"modes": ["portfolio"]}}, "requirement.portfolio: the portfolio mode needs it"),
        ({"loss": {"adl": None}}, "loss.adl: then: adl needs it"),
        (
            {"requirement": {"oi_scaling": {"lower": 2.0, "upper": 1.0}}},
            "requirement.oi_scaling.upper = 1.0: must be above lower",
        ),
        ({"funding": {"interval": "never"}}, "funding.interval = 'never': a duration is a whole positive number"),
        ({"fees": {"taker": 2.0}}, "fees.taker = 2.0: must be less than 1"),
    ],
)
def test_what_does_not_go_together_is_refused(changes, message):
    with pytest.raises(InputError) as refusal:
        venues.variant(BTC, changes)
    assert str(refusal.value).startswith(message)


def test_options_and_their_requirement_go_together():
    options = venues.load("deribit/BTC-OPTIONS")
    with pytest.raises(ValidationError, match="goes with contracts of the kind option, and they with it"):
        venues.Rulebook.model_validate(options.model_dump() | {"contract": BTC.contract.model_dump()})


def test_what_an_engine_needs_beyond_the_static_ladder():
    assert BTC.needs == venues.load("binance_usdm_2021/ETHUSDT").needs == ()
    changes = {"mark": {"kind": "oracle", "update": None, "max_age": None}, "requirement": {"compare": "lt"}}
    assert venues.variant(BTC, changes).needs == ("requirement.compare: lt", "mark.kind: oracle")
    for name in venues.available():
        if not name.startswith("binance_usdm"):
            assert venues.load(name).needs, name
    assert "liquidation.ladder: cancel_orders, reduce_tiers, full" in venues.load("okx/BTC-USDT-SWAP@2021").needs


def test_differences_field_by_field():
    assert differences(BTC, BTC) == ()
    other = venues.variant(BTC, {"fees": {"taker": 0.001}, "confidence": "none", "band": {"kind": "none"}})
    assert [tuple(row) for row in differences(BTC, other)] == [
        ("fees.taker", "0.0005", "0.001"),
        ("band.kind", "around_mark", "none"),
        ("band.up", "0.05", "-"),
        ("band.down", "0.05", "-"),
        ("band.action", "expire", "-"),
    ]
    tiers = venues.variant(BTC, {"requirement": {"tiers": [tier.model_dump() for tier in BTC.requirement.tiers[:-1]]}})
    assert {row.key for row in differences(BTC, tiers)} == {
        f"requirement.tiers[11].{key}" for key in ("floor", "cap", "mmr", "imr", "max_leverage", "cum")
    }


def test_remarks_say_what_is_not_verified():
    assert BTC.remarks[0] == BTC.assumptions[0]
    assert BTC.remarks[-1] == f"Not verified: {BTC.unverified[-1]}."
