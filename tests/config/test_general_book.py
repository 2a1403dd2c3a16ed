"""Books of any form from a study: figures by hand, and what is refused in which words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from helpers.studies import rulebook, small_dict, write_rulebook

from stresslab.accounts.policies import MarginTopUp, StopLoss
from stresslab.config import forms, study_from_dict
from stresslab.config.book_of import book_of, is_plain
from stresslab.config.general_book import GeneralBook, general_book
from stresslab.config.schema import Study
from stresslab.config.sweep import expand
from stresslab.errors import InputError, NotAllowed

HOUR = 1 / 8760
LONG = {"side": "long", "leverage": 5.0}
SHORT = {"side": "short", "notional": 100.0}
CROSS = {"margin_mode": "cross", "side": None, "collateral": 100.0}
JOINT = {
    "btc": {"kind": "gbm", "sigma": 0.6},
    "eth": {"kind": "gbm", "sigma": 0.9},
    "both": {"kind": "joint", "assets": {"BTC": "btc", "ETH": "eth"}, "correlation": 0.8},
}


def study(folder: Path, book: dict[str, Any], rest: dict[str, Any] | None = None, **rules: Any) -> Study:
    """A study of one cell at spot 100, on a venue with 2 % maintenance, a taker fee of 0.1 %, isolated and cross."""
    rules = {"tiers": ((1e9, 0.02, 0.02),), "taker": 0.001, "modes": ["isolated", "cross"]} | rules
    data = small_dict(folder, {"market": {"spot": 100.0}, "sweep": None} | (rest or {}), **rules)
    data["book"] = {"rulebook": "venue.yaml", **{key: value for key, value in book.items() if value is not None}}
    return study_from_dict(data, base=folder)


def joint(folder: Path, book: dict[str, Any], spots: dict[str, float] | None = None) -> Study:
    market = {"spot": 100.0, "model": "both", "spots": {"ETH": 10.0} if spots is None else spots}
    return study(folder, book, {"models": JOINT, "market": market, "funding": None})


def test_positions_of_a_cross_account_share_its_collateral(tmp_path: Path) -> None:
    """500 long and 100 short on 100: fees of 0.6 leave 99.4; maintenance 12."""
    found = book_of(study(tmp_path, CROSS | {"positions": [LONG, SHORT], "reserve": 30.0}))
    assert isinstance(found, GeneralBook)
    assert (found.notional, found.scale, found.equity) == pytest.approx((600, 600, 130))
    assert (found.entry_fee, found.outside_fee) == pytest.approx((0.6, 0.0))
    assert (found.side, np.isnan(found.quantity), np.isnan(found.liquidation_price)) == ("mixed", True, True)
    (account,) = forms.numbers([found], HOUR).accounts
    assert account.balance == pytest.approx([99.4 / 600])
    assert [leg.size[0] for leg in account.legs] == pytest.approx([500 / 600, -100 / 600])
    assert found.form.accounts[0].legs[0] == found.form.accounts[0].legs[1]


def test_isolated_positions_are_accounts_of_their_own(tmp_path: Path) -> None:
    """The fee of each comes out of the wallet; a position in flight pays none."""
    positions = [LONG | {"collateral": 100.0}, SHORT | {"collateral": 20.0, "entry_price": 110.0}]
    found = general_book(study(tmp_path, {"positions": positions}))
    assert [len(account.legs) for account in found.form.accounts] == [1, 1]
    assert (found.entry_fee, found.outside_fee) == pytest.approx((0.5, 0.5))
    # 100 / 110 short from 110, now at 100: 9.09 to the good
    assert found.equity == pytest.approx(120 + 1000 / 110)


@pytest.mark.parametrize("paid_every, most", [("1h", 0.005), ("4h", 0.02), ("8h", 0.04)])
@pytest.mark.parametrize("interval, rate_over", [("continuous", "1h"), ("continuous", "8h"), ("8h", "8h")])
def test_a_cap_grows_with_the_time_between_payments(
    tmp_path: Path, paid_every: str, most: float, interval: str, rate_over: str
) -> None:
    """0.5 % an hour bounds a payment for 8 hours at 4 %, also where the venue's own funding is continuous."""
    data = small_dict(tmp_path, {"market": {"spot": 100.0}, "sweep": None}, modes=["isolated"])
    data["funding"] = {"kind": "constant", "rate": 1e-4, "interval": paid_every}
    rules = rulebook()
    rules["funding"] |= {"interval": interval, "rate_over": rate_over}
    rules["funding"]["cap"] = {"kind": "absolute", "value": 0.005, "over": "1h"}
    (tmp_path / "venue.yaml").write_text(yaml.safe_dump(rules).replace("'2025-01-01'", "2025-01-01"))
    data["book"] = {"rulebook": "venue.yaml", "positions": [LONG | {"collateral": 100.0}]}
    (account,) = forms.numbers([general_book(study_from_dict(data, base=tmp_path))], HOUR).accounts
    assert account.legs[0].funding_cap == pytest.approx([most])


def test_assets_of_a_joint_model_have_their_own_rows_and_spots(tmp_path: Path) -> None:
    found = general_book(joint(tmp_path, CROSS | {"positions": [LONG, SHORT | {"asset": "ETH"}]}))
    assert [(leg.row, leg.spot) for leg in found.legs] == [(0, 100.0), (1, 10.0)]
    assert found.legs[1].quantity == pytest.approx(10.0)


def test_a_collateral_counts_after_its_haircut(tmp_path: Path) -> None:
    """8 ETH at 10, 10 % off: 72 of margin beside the cash; all 80 can be lost."""
    backing = {"collaterals": [{"asset": "ETH", "amount": 8.0, "haircut": 0.1}]}
    found = general_book(joint(tmp_path, CROSS | backing | {"positions": [LONG]}))
    (account,) = forms.numbers([found], HOUR).accounts
    assert found.equity == pytest.approx(180)
    assert (account.collaterals[0].amount * 500, account.collaterals[0].weight) == (pytest.approx(80), 0.9)
    assert found.form.accounts[0].collaterals == (1,)


def test_a_coin_margined_book_is_counted_in_its_coin(tmp_path: Path) -> None:
    """0.5 coin at 4 times: 2 coins, 200 dollars at 100. Bought at 80 in flight, 2.5 coins; worth 0.5 more at 100."""
    inverse = {"contract": {"kind": "inverse", "face": 1.0, "settle": "BTC"}, "tier_unit": "coin"}
    book = {"side": "long", "leverage": 4.0, "collateral": 0.5}
    new = general_book(study(tmp_path, book, **inverse))
    assert (new.quantity, new.notional, new.scale, new.equity) == pytest.approx((200, 2, 2, 0.5))
    flying = general_book(study(tmp_path, book | {"entry_price": 80.0}, **inverse))
    assert (flying.quantity, flying.notional, flying.scale, flying.equity) == pytest.approx((160, 2, 1.6, 0.9))
    row = forms.numbers([flying], HOUR).accounts[0]
    assert (row.balance * 1.6, row.legs[0].entry) == (pytest.approx(0.9), 0.8)


def test_a_dated_future_has_its_basis_at_entry(tmp_path: Path) -> None:
    """Half a year at 10 %: 105.13; the balance is counted at the index, the basis is in the gain of the leg."""
    dated = {"contract": {"kind": "linear", "face": 1.0, "dated": True}}
    position = {"side": "long", "leverage": 5.0, "expiry": "2025-07-02T12:00:00Z", "basis": 0.1}
    found = general_book(study(tmp_path, CROSS | {"positions": [position]}, **dated))
    assert found.legs[0].entry == pytest.approx(100 * np.exp(0.05))
    (account,) = forms.numbers([found], HOUR).accounts
    assert account.legs[0].expiry == 4380 and account.legs[0].basis == pytest.approx([0.1 * HOUR])
    assert found.equity == pytest.approx(100)
    gain = account.legs[0].size * np.expm1(0.05)
    assert (account.balance + gain) * found.scale == pytest.approx([100 - found.entry_fee])


def test_policies_are_the_engines_in_its_units(tmp_path: Path) -> None:
    policies = [
        {"kind": "stop_loss", "price": 95.0, "latency": "90min"},
        {"kind": "margin_top_up", "trigger": 1.5, "target": 2.0, "position": 1},
    ]
    found = general_book(study(tmp_path, CROSS | {"positions": [LONG, SHORT], "reserve": 9.0, "policies": policies}))
    stop, top_up = found.form.policies
    assert stop == StopLoss(0, 0, "price", delayed=True) and top_up == MarginTopUp(0)
    rows = forms.numbers([found, found], HOUR)
    assert rows.policies[0].level.tolist() == [0.95, 0.95] and rows.policies[0].latency.tolist() == [2, 2]
    assert rows.policies[1].target.tolist() == [2.0, 2.0] and rows.reserve == pytest.approx([9 / 600] * 2)


def test_a_set_of_policies_is_swept_by_its_name(tmp_path: Path) -> None:
    """The cell without any is a plain book; a number in a set is swept too."""
    sets = {"stop": [{"kind": "stop_loss", "distance": 0.05}]}
    sweep = {"book.policies": ["none", "stop"], "policies.stop.stop_loss.distance": [0.02, 0.1]}
    book = {"side": "long", "leverage": 5.0, "collateral": 100.0}
    cells = expand(study(tmp_path, book, {"policies": sets, "sweep": sweep}))
    assert [is_plain(cell.study) for cell in cells] == [True, True, False, False]
    assert [policy.distance for cell in cells[2:] for policy in cell.study.book_policies] == [0.02, 0.1]


def test_what_is_not_written_does_not_change_a_study(tmp_path: Path) -> None:
    """The hash of a plain study knows nothing of positions, policies and venues."""
    whole = study(tmp_path, {"side": "long", "leverage": 5.0, "collateral": 100.0}).resolved()
    assert not {"venue", "policies"} & set(whole)
    assert set(whole["book"]) == {"rulebook", "margin_mode", "side", "collateral", "leverage"}


STOP = {"kind": "stop_loss", "distance": 0.05}
REFUSED = [
    (CROSS | {"positions": [LONG], "leverage": 2.0}, "book.leverage = 2.0: belongs to one position"),
    (CROSS | {"positions": [{"side": "long"}]}, "exactly one of quantity, notional and leverage; given: none"),
    (CROSS | {"positions": [LONG | {"collateral": 9.0}]}, "positions.*backs all positions and belongs under book"),
    ({"positions": [LONG]}, "positions.0..collateral = None: an isolated position needs its own"),
    ({"collateral": 100.0, "leverage": 2.0}, "book.side: this key is required"),
    (CROSS | {"positions": [LONG | {"asset": "ETH"}]}, "'ETH': is not an asset of market.model"),
    (CROSS | {"positions": [LONG | {"expiry": "2025-07-01T00:00:00Z"}]}, "is no dated future"),
    (CROSS | {"positions": [LONG | {"basis": 0.1}]}, "belongs to a dated future"),
    (CROSS | {"positions": [LONG], "policies": "stop"}, "is no name under policies"),
    (CROSS | {"positions": [LONG], "policies": [{"kind": "stop_los"}]}, "Did you mean 'stop_loss'"),
    (
        CROSS | {"positions": [LONG], "policies": [{"kind": "stop_loss"}]},
        "exactly one of distance, price and of_margin",
    ),
    (
        CROSS | {"positions": [LONG], "policies": [STOP | {"position": 1}]},
        "there is no such position beside options; there are, from 0: 0",
    ),
    (
        CROSS | {"positions": [LONG], "policies": [{"kind": "margin_top_up", "trigger": 2.0, "target": 3.0}]},
        "takes its cash from the reserve, and there is none. Write book.reserve",
    ),
    (
        CROSS | {"positions": [LONG], "policies": [{"kind": "delta_hedge", "interval": "1h"}]},
        "there is nothing else: it would close the position",
    ),
    (CROSS | {"positions": [LONG], "policies": [STOP | {"limit": 0.01}]}, "a market order fills at any price"),
    (
        CROSS | {"positions": [LONG, SHORT], "policies": [{"kind": "re_entry"}]},
        "an account with one position: this one has several",
    ),
    (
        {"side": "long", "leverage": 2.0, "collateral": 9.0, "collaterals": [{"asset": "BTC", "amount": 1.0}]},
        "is no collateral of test/VENUE",
    ),
    (CROSS | {"positions": [LONG], "collaterals": [{"asset": "BTC", "amount": 1.0}]}, "is no collateral of test/VENUE"),
]


@pytest.mark.parametrize("book, said", REFUSED)
def test_what_no_book_can_be_is_refused(tmp_path: Path, book: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        general_book(study(tmp_path, book))
    assert not isinstance(caught.value, NotAllowed)


NOT_ALLOWED = [
    (
        CROSS | {"positions": [LONG], "margin_mode": "portfolio"},
        "allows isolated and cross margin",
    ),
    (CROSS | {"positions": [LONG | {"leverage": 60.0}]}, "initial margin of 120.00, and it is worth 94.00"),
    (CROSS | {"positions": [{"side": "long", "quantity": 2e7}]}, "allows at most 1,000,000,000"),
    # 100 - 90.2 of loss is 9.8, and 10 are required
    (CROSS | {"positions": [LONG | {"leverage": None, "quantity": 5.0, "entry_price": 118.04}]}, "liquidated at once"),
    (
        CROSS | {"positions": [{"side": "long", "quantity": 5.0, "entry_price": 117.7}, SHORT | {"entry_price": 99.0}]},
        "liquidated at once",
    ),
]


@pytest.mark.parametrize("book, said", NOT_ALLOWED)
def test_what_a_venue_does_not_allow_is_not_allowed(tmp_path: Path, book: dict[str, Any], said: str) -> None:
    given = [{k: v for k, v in one.items() if v is not None} for one in book.get("positions", [])]
    with pytest.raises(NotAllowed, match=said):
        general_book(study(tmp_path, book | ({"positions": given} if given else {})))


def test_positions_of_one_account_settle_and_close_alike(tmp_path: Path) -> None:
    write_rulebook(tmp_path / "other.yaml", name="other/VENUE", modes=["isolated", "cross"])
    book = CROSS | {"positions": [LONG, SHORT | {"rulebook": "other.yaml"}]}
    with pytest.raises(InputError, match="the venue of other/VENUE is not that of test/VENUE"):
        general_book(study(tmp_path, book))


def test_the_price_of_another_asset_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the price of ETH at as_of is not given.*market.spots"):
        general_book(joint(tmp_path, CROSS | {"positions": [LONG, SHORT | {"asset": "ETH"}]}, spots={}))


def test_what_wanders_on_one_asset_has_no_place_on_two(tmp_path: Path) -> None:
    wandering = {"kind": "mean_reverting", "rate": 1e-4, "mean": 1e-4, "half_life": "1D", "volatility": 0.01}
    two = joint(tmp_path, CROSS | {"positions": [LONG, SHORT | {"asset": "ETH"}]})
    alone = study(tmp_path, LONG | {"collateral": 1.0}, {"funding": wandering})
    with pytest.raises(InputError, match="funding = 'mean_reverting': that wanders belongs to one asset"):
        general_book(two.model_copy(update={"funding": alone.funding}))


@pytest.mark.parametrize(
    ("side", "policy"),
    [
        ("long", {"kind": "stop_loss", "price": 101.0}),
        ("short", {"kind": "stop_loss", "price": 99.0}),
        ("long", {"kind": "take_profit", "price": 99.0}),
        ("short", {"kind": "take_profit", "price": 101.0}),
    ],
)
def test_a_level_on_the_wrong_side_of_the_price_is_refused(tmp_path, side, policy):
    """All would be sold at as_of, and the ruin be 0; on the right side of the same distance it is taken."""
    book = {"side": side, "collateral": 100.0, "leverage": 5.0}
    with pytest.raises(NotAllowed, match="is already triggered at the price at as_of, 100: "):
        general_book(expand(study(tmp_path, book | {"policies": [policy]}))[0].study)
    general_book(expand(study(tmp_path, book | {"policies": [policy | {"price": 200.0 - policy["price"]}]}))[0].study)


def test_a_trailing_stop_that_its_best_price_has_met_is_refused(tmp_path):
    """5 % from a best of 110 is 104.5, above the spot of 100; from 104 it is 98.8."""
    book, trail = {"side": "long", "collateral": 100.0, "leverage": 5.0}, {"kind": "trailing_stop", "distance": 0.05}
    with pytest.raises(NotAllowed, match="the trailing stop is already triggered at the price at as_of, 100: "):
        general_book(study(tmp_path, book | {"policies": [trail | {"best": 110.0}]}))
    general_book(study(tmp_path, book | {"policies": [trail | {"best": 104.0}]}))


def test_the_own_book_prices_a_collateral_and_no_position(tmp_path):
    venue = {"own_book": {"asset": "ETH", "slope": 0.1, "most": 0.35}}
    market = {"spot": 100.0, "model": "both", "spots": {"ETH": 10.0}}
    rest = {"models": JOINT, "market": market, "funding": None, "venue": venue}
    general_book(study(tmp_path, CROSS | {"positions": [LONG]}, rest))
    with pytest.raises(InputError, match="own_book.asset = 'ETH': is an asset that a position is on"):
        general_book(study(tmp_path, CROSS | {"positions": [LONG, SHORT | {"asset": "ETH"}]}, rest))


def test_a_leverage_that_the_venue_does_not_give_is_not_traded_to(tmp_path):
    book = {"side": "long", "collateral": 100.0, "leverage": 5.0}
    policy = {"kind": "constant_leverage", "interval": "1h", "leverage": 5000.0}
    with pytest.raises(NotAllowed, match="policies.0..leverage"):
        general_book(study(tmp_path, book | {"policies": [policy]}))
    general_book(study(tmp_path, book | {"policies": [policy | {"leverage": 4.0}]}))
