"""Options of several books as rows of the engine: tables made once for the same options, and not without bound."""

import numpy as np
import pytest
from helpers.option_books import DAY, STEP

from stresslab.config import option_legs
from stresslab.config.option_legs import OptionsHeld, leg_numbers, portfolio_numbers, premium
from stresslab.errors import InputError
from stresslab.models import GBM
from stresslab.options.book import option_book
from stresslab.options.smile import ImpliedVolatility

MODEL, IMPLIED, SPOT = GBM(kind="gbm", sigma=0.6), ImpliedVolatility(), 90_000.0


def held(quantity: float, settle: str = "coin") -> OptionsHeld:
    book = option_book([-quantity, quantity / 2], [80_000, 95_000], [7 * DAY, 30 * DAY], [False, True], settle)  # type: ignore[arg-type]
    return OptionsHeld(book, SPOT)


def rows(*books: OptionsHeld):  # type: ignore[no-untyped-def]
    rate = np.full(len(books), 3e-4)
    scale = np.array([one.unit for one in books])
    return leg_numbers(books, scale, IMPLIED, MODEL, STEP, 96, rate, rate, rate)


def test_books_of_the_same_options_share_their_tables() -> None:
    """2 and 6 units of one mixture, and another mixture."""
    other = OptionsHeld(option_book([1.0], [90_000], [7 * DAY], [True], "coin"), SPOT)
    found = rows(held(2.0), held(6.0), other)
    assert found.options.table.tolist() == [0, 0, 1] and found.options.columns.shape[0] == 2
    np.testing.assert_allclose(found.size, 1.0)


def test_premiums_and_units_in_coin_and_in_quote() -> None:
    """In quote the gross size is worth the spot, and the premium the spot times that in coin."""
    coin, quote = (premium(held(2.0, settle), IMPLIED, MODEL, STEP, 96) for settle in ("coin", "quote"))
    assert held(2.0).unit == 3.0 and held(2.0, "quote").unit == 3.0 * SPOT
    assert quote == pytest.approx(SPOT * coin, rel=1e-6)
    exact = held(2.0).book.value(
        np.array(SPOT), IMPLIED.volatility(0.0, 0.36, held(2.0).book.strike / SPOT, held(2.0).book.expiry), 0.0
    )
    assert coin == pytest.approx(float(exact), abs=1e-4 * 3.0)


def test_relief_is_counted_in_the_books_scale() -> None:
    """The dampener is 100,000 USD: in coin relative to the worth of the scale."""
    coin = portfolio_numbers([held(2.0)], np.array([3.0]))
    quote = portfolio_numbers([held(2.0, "quote")], np.array([3.0 * SPOT]))
    assert quote.relief[0, -1] == pytest.approx((5 / 0.16 - 1) * 100_000 / (3.0 * SPOT), rel=1e-12)
    assert coin.relief[0, -1] == pytest.approx(quote.relief[0, -1] / 1.16, rel=1e-12)


def test_tables_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(option_legs, "ROOM", 1e-6)
    with pytest.raises(InputError, match="different options need tables"):
        rows(held(2.0))
