"""Options of a study in money: value, margin and Greeks at as_of, against Black-76 by hand; and what is refused."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from stresslab import venues
from stresslab.config import dims, expand, forms, study_from_dict
from stresslab.config.general_book import general_book
from stresslab.config.schema import Study
from stresslab.errors import InputError, NotAllowed
from stresslab.execution import run

SPOT, SIGMA, QUANTITY, STRIKE, DAYS = 100_000.0, 0.6, 2.0, 90_000.0, 30
HOUR = 1 / 8760
PUT = {
    "rulebook": "deribit/BTC-OPTIONS",
    "side": "short",
    "option": "put",
    "strike": STRIKE,
    "expiry": "2025-01-31T00:00:00Z",
    "quantity": QUANTITY,
}
FUTURE = {"side": "short", "quantity": 20_000.0}


def study(positions: list[dict[str, Any]], mode: str = "portfolio", collateral: float = 2.0, **rest: Any) -> Study:
    return study_from_dict(
        {
            "study": "options",
            "as_of": "2025-01-01T00:00:00Z",
            "seed": 3,
            "market": {"asset": "BTC", "spot": SPOT, "model": "gbm", "step": "4h", "horizons": ["1D", "4D"]},
            "models": {"gbm": {"kind": "gbm", "sigma": SIGMA}},
            "implied": {"skew": 0.0, "curvature": 0.0},
            "book": {
                "rulebook": "deribit/BTC-PERPETUAL",
                "margin_mode": mode,
                "collateral": collateral,
                "positions": positions,
            },
            "sampling": {"paths": 512, "block": 512},
        }
        | rest
    )


def black_put() -> tuple[float, float]:
    """Value of one put in dollars, and its delta, at a flat 60 %."""
    total = SIGMA * np.sqrt(DAYS / 365)
    d1 = np.log(SPOT / STRIKE) / total + total / 2
    value = STRIKE * norm.cdf(total - d1) - SPOT * norm.cdf(-d1)
    return float(value), float(-norm.cdf(-d1))


def test_a_sold_put_is_a_debt_in_coin() -> None:
    """Two puts sold owe 2 V / S coins; the cash of 2 is what is there after their premium came in."""
    found = general_book(study([PUT]))
    value, _ = black_put()
    assert found.equity == pytest.approx(2.0 - QUANTITY * value / SPOT)
    assert (found.scale, found.notional, found.side) == (QUANTITY, QUANTITY, "mixed")
    (account,) = forms.numbers([found], HOUR).accounts
    assert account.balance * found.scale == pytest.approx([found.equity])
    assert found.form.accounts[0].netting == "portfolio"


def test_greeks_are_those_of_black() -> None:
    """Of coins owed: -2 V / S has the delta -2 (V' / S - V / S^2); a short of 20,000 USD adds -20,000 / S^2."""
    found = general_book(study([FUTURE, PUT]))
    written = found.accounts[0].options
    assert written is not None
    value, delta = black_put()
    own = -QUANTITY * (delta / SPOT - value / SPOT**2)
    assert float(written.greeks().delta) == pytest.approx(own)
    assert float(written.greeks(-20_000.0).delta) == pytest.approx(own - 20_000 / SPOT**2)


def test_cross_margin_asks_option_by_option() -> None:
    """A put sold: 7.5 % of the underlying and its value each (2 * 0.075 + 2 V / S coins); short of that it is refused.

    Twin: a tenth more than that is allowed.
    """
    value, _ = black_put()
    least = QUANTITY * (0.075 + 2 * value / SPOT)  # maintenance, and what is owed beside it
    with pytest.raises(NotAllowed, match="liquidated at once"):
        general_book(study([PUT], "cross", least * 0.999))
    assert general_book(study([PUT], "cross", least * 1.1)).equity > 0


def test_an_expiry_before_the_last_horizon_is_at_the_end_of_a_step() -> None:
    found = general_book(study([PUT | {"expiry": "2025-01-02T08:30:00Z"}]))
    written = found.accounts[0].options
    assert written is not None and written.held.book.expiry * 8760 == pytest.approx([36.0])


REFUSED = [
    ([PUT | {"strike": None}], "strike: this key is required of an option"),
    ([PUT | {"entry_price": 0.05}], "means nothing of an option"),
    ([PUT | {"rulebook": "deribit/BTC-PERPETUAL"}], "is not of options"),
    ([FUTURE | {"rulebook": "deribit/BTC-OPTIONS"}], "is of options: give option, strike and expiry"),
    ([PUT | {"expiry": "2024-12-31T00:00:00Z"}], "must come after as_of"),
    ([PUT, PUT | {"rulebook": "deribit/ETH-OPTIONS"}], "options of one account are of one rulebook"),
]


@pytest.mark.parametrize("positions, said", REFUSED)
def test_what_no_option_can_be_is_refused(positions: list[dict[str, Any]], said: str) -> None:
    given = [{key: value for key, value in one.items() if value is not None} for one in positions]
    with pytest.raises(InputError, match=said):
        general_book(study(given))


def test_the_dataset_has_their_greeks() -> None:
    """At as_of and at quantiles of the price: a put sold gains coins with the price, less and less so."""
    ds = run(study([FUTURE, PUT], outputs={"events": ["liquidation"]}))
    assert ds.option_value == pytest.approx(-QUANTITY * black_put()[0] / SPOT)
    assert ds.option_delta.units == "BTC / (quote currency / BTC)"
    along = ds.option_delta_along
    assert along.dims == ("horizon", "price_quantile")
    assert (np.diff(ds.option_price_quantile.values, axis=-1) > 0).all()
    assert (np.diff(along.values, axis=-1) < 0).all()
    assert ds.mean_pnl.units == "BTC" and np.isfinite(ds.mean_pnl).all()


def test_the_quantity_of_one_option_is_swept_by_its_number() -> None:
    """`quantity` is a variable of the results, so the dimension bears the position's number."""
    swept = study([FUTURE, PUT], sweep={"book.positions.1.quantity": [1.0, 2.0]})
    assert list(dims(swept)) == ["quantity_1"]
    worth = [general_book(cell.study).accounts[0].options_worth for cell in expand(swept)]
    assert worth[1] == pytest.approx(2 * worth[0])


def test_shipped_rulebooks_of_options_are_those_of_deribit() -> None:
    options = [name for name in venues.available() if venues.load(name).contract.kind == "option"]
    assert options == ["deribit/BTC-OPTIONS", "deribit/ETH-OPTIONS"]
