"""One book in money, and books in the units of the loop: figures by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.studies import small

from stresslab.config.build import BookFacts, book_facts, positions
from stresslab.errors import InputError, NotAllowed
from stresslab.grid.plan import make_plan

BINANCE = "binance_usdm/BTCUSDT"


@pytest.fixture
def facts(tmp_path):
    """The facts of one long book at spot 100 with 2 % maintenance; `rules` change the venue."""

    def made(book: dict[str, Any], spot: float = 100.0, **rules: Any) -> BookFacts:
        rules = {"tiers": ((1e9, 0.02, 0.02),), "taker": 0.001} | rules
        return book_facts(study(tmp_path, book, spot, **rules))

    return made


def study(folder: Path, book: dict[str, Any], spot: float, **rules: Any):
    given = {"side": "long", "collateral": None} | book
    return small(folder, {"market": {"spot": spot}, "book": given, "sweep": None}, **rules)


@pytest.mark.parametrize(
    "sizes",
    [
        {"leverage": 10.0, "collateral": 100.0},
        {"leverage": 10.0, "quantity": 10.0},
        {"collateral": 100.0, "quantity": 10.0},
    ],
)
def test_any_two_sizes_give_the_third(facts, sizes):
    book = facts(sizes)
    assert (book.quantity, book.notional, book.leverage, book.margin) == pytest.approx((10, 1000, 10, 100))
    assert book.scale == pytest.approx(1000)


def test_the_entry_fee_comes_out_of_the_wallet(facts):
    book = facts({"leverage": 10.0, "quantity": 10.0})
    assert (book.entry_fee, book.outside_fee, book.margin, book.equity) == pytest.approx((1, 1, 100, 100))
    assert book.liquidation_price == pytest.approx(90 / 0.98)
    assert book.bankruptcy_price == pytest.approx(90)


def test_or_out_of_the_margin(facts):
    """100 - 1 = 99 is left: the trigger moves. What can be lost is still 100, of which the fee is the first part."""
    book = facts({"leverage": 10.0, "quantity": 10.0}, entry_charged_to="margin")
    assert (book.entry_fee, book.outside_fee, book.margin, book.equity) == pytest.approx((1, 0, 99, 100))
    assert book.liquidation_price == pytest.approx(90.1 / 0.98)
    assert book.bankruptcy_price == pytest.approx(90.1)


def test_a_short(facts):
    book = facts({"leverage": 10.0, "quantity": 10.0, "side": "short"})
    assert (book.liquidation_price, book.bankruptcy_price) == pytest.approx((110 / 1.02, 110))


def test_a_position_in_flight(facts):
    """Bought at 80 with 10 times, so 80 of collateral; now backed by 60, at 100: worth 60 + 200, without an entry
    fee.
    """
    book = facts({"leverage": 10.0, "quantity": 10.0, "entry_price": 80.0, "margin": 60.0})
    assert (book.notional, book.scale, book.entry_fee) == pytest.approx((800, 1000, 0))
    assert (book.margin, book.equity) == pytest.approx((60, 260))
    assert book.liquidation_price == pytest.approx(74 / 0.98)


def test_a_position_in_flight_without_a_margin_has_its_collateral(facts):
    book = facts({"leverage": 10.0, "quantity": 10.0, "entry_price": 120.0, "side": "short"})
    assert (book.margin, book.equity) == pytest.approx((120, 320))


def test_slippage_is_the_books_or_the_rulebooks(facts):
    assert facts({"leverage": 2.0, "quantity": 1.0}, slippage_bps=12.0).slippage == pytest.approx(12e-4)
    own = facts({"leverage": 2.0, "quantity": 1.0, "slippage_bps": 0.0}, slippage_bps=12.0)
    assert own.slippage == 0


@pytest.mark.parametrize(
    "book, said",
    [
        ({"leverage": 60.0, "quantity": 1.0}, "allows a leverage above 0 and at most 50"),
        ({"leverage": 2.0, "quantity": 2e7}, "allows at most 1,000,000,000"),
        # maintenance 20, worth 100 - 81 = 19
        ({"leverage": 10.0, "quantity": 10.0, "entry_price": 108.1, "margin": 100.0}, "would be liquidated at once"),
        (
            {"leverage": 10.0, "quantity": 10.0, "entry_price": 50.0, "margin": 1e-9, "side": "short"},
            "liquidated at once",
        ),
    ],
)
def test_what_a_rulebook_does_not_allow(facts, book, said):
    with pytest.raises(NotAllowed, match=said):
        facts(book)


def test_a_fee_that_eats_the_margin_is_refused(facts):
    """A taker fee of 11 % of the notional out of a margin of 10 %."""
    with pytest.raises(NotAllowed, match="liquidated at once"):
        facts({"leverage": 10.0, "quantity": 10.0}, taker=0.11, entry_charged_to="margin")


def test_the_leverage_of_a_position_in_flight_is_not_judged_again(facts):
    """Opened at 40 times in better days; only its size has to fit the venue."""
    assert facts({"leverage": 60.0, "quantity": 1.0, "entry_price": 80.0, "margin": 20.0}).leverage == pytest.approx(60)


def test_a_refusal_pickles_and_is_an_input_error(facts):
    with pytest.raises(InputError) as caught:
        facts({"leverage": 60.0, "quantity": 1.0})
    assert "leverage" in str(caught.value) and "Lower the leverage to at most 50" in str(caught.value)


def test_positions_are_relative_to_the_notional_at_spot(facts):
    """The in-flight book of above, and the new one, in the units of the loop."""
    flying = facts({"leverage": 10.0, "quantity": 10.0, "entry_price": 80.0, "margin": 60.0})
    fresh = facts({"leverage": 10.0, "quantity": 10.0})
    found = positions([flying, fresh])
    np.testing.assert_allclose(found.entry, [0.8, 1.0])
    np.testing.assert_allclose(found.margin, [0.06, 0.1])
    np.testing.assert_allclose(found.equity, [0.26, 0.1])
    np.testing.assert_allclose(found.entry_fee, [0, 0.001])
    np.testing.assert_allclose(found.mmr, [[0.02], [0.02]])


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_units_of_money_do_not_matter(facts, scale):
    """The same book in another currency (one tier, so that size does not matter) is the same to the loop."""
    one = positions([facts({"leverage": 7.0, "quantity": 1.0})])
    other = positions([facts({"leverage": 7.0, "quantity": 1.0}, spot=100.0 * scale)])
    for left, right in zip(one, other, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-12)


@pytest.mark.parametrize("side", ["long", "short"])
def test_the_tiers_that_are_left_out_never_matter(tmp_path, side):
    """On Binance's table: with funding that moves a quarter of the price, windows and whole table give one
    requirement.
    """
    collaterals = [1e3, 1e5, 3e6, 4e7]
    sweep = {"book.collateral": collaterals, "book.leverage": [1.5, 3.0, 5.0]}
    given = small(tmp_path, {"book": {"rulebook": BINANCE, "side": side, "collateral": None}, "sweep": sweep})
    books = [book for book in make_plan(given).books if isinstance(book, BookFacts)]
    assert len(books) == len(collaterals) * 3
    window, table = positions(books), books[0].rulebook.requirement.table
    whole_cum = table.cum / np.array([book.scale for book in books])[:, None]
    assert window.mmr.shape[1] < len(table.mmr)
    trigger = np.array([book.liquidation_price / book.spot for book in books])
    for factor in (0.75, 0.9, 1.0, 1.1, 1.25):
        price = (factor * trigger)[:, None]
        few = (window.mmr * price - window.cum).max(axis=1)
        all_of_them = (table.mmr * price - whole_cum).max(axis=1)
        np.testing.assert_allclose(few, all_of_them, rtol=1e-12)
