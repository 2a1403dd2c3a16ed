"""A book of European options on one underlying, fixed once made: what an account holds of it is a multiple of it.

Prices are in any one unit, relative to the spot at the start in the compiled loop; quantities in units of the
underlying, negative where sold; expiries in years from the start. Settled in the quote currency an option pays its
payoff; settled in coin it pays the payoff divided by the index, and is valued V / S coins. NumPy float64, on the host.
"""

from typing import Any, Literal, NamedTuple

import numpy as np

from stresslab.errors import require
from stresslab.options import black

Settle = Literal["quote", "coin"]


class OptionBook(NamedTuple):
    """One entry for each option."""

    quantity: np.ndarray
    strike: np.ndarray
    expiry: np.ndarray  # years
    call: np.ndarray  # bool
    settle: Settle = "quote"

    @property
    def expiries(self) -> np.ndarray:
        """The distinct expiries, years, ascending."""
        return np.unique(self.expiry)

    def only(self, chosen: np.ndarray) -> "OptionBook":
        """The options that a boolean array chooses."""
        return self._replace(**{name: getattr(self, name)[chosen] for name in FIELDS})

    def value(self, price: Any, sigma: Any, t: float) -> np.ndarray:
        """Value of the options that have not expired before `t`, in the currency of settlement.

        `sigma` has the options as its last axis, `price` the same shape without it.
        """
        price = np.asarray(price, float)
        own = black.value(price[..., None], self.strike, sigma, self._left(t), self.call)
        total = np.where(self.expiry >= t, own, 0.0) @ self.quantity
        return total / price if self.settle == "coin" else total

    def payoff(self, price: Any, expiry: float) -> np.ndarray:
        """Cash that the options of one expiry pay, in the currency of settlement."""
        price = np.asarray(price, float)
        due = np.where(self.expiry == expiry, self.quantity, 0.0)
        total = black.intrinsic(price[..., None], self.strike, self.call) @ due
        return total / price if self.settle == "coin" else total

    def short_per_strike(self, t: float) -> float:
        """Options sold net of those bought, summed over (strike, expiry), of those that have not expired."""
        open_ = self.only(self.expiry >= t)
        keys = np.stack([open_.strike, open_.expiry])
        _, where = np.unique(keys, axis=1, return_inverse=True)
        net = np.bincount(where.ravel(), open_.quantity, minlength=1)
        return float(-np.minimum(net, 0.0).sum())

    def _left(self, t: float) -> np.ndarray:
        return np.maximum(self.expiry - t, 0.0)


FIELDS = ("quantity", "strike", "expiry", "call")


def option_book(quantity: Any, strike: Any, expiry: Any, call: Any, settle: Settle = "quote") -> OptionBook:
    """A book from lists; InputError where they do not fit together."""
    quantity, strike, expiry = (np.atleast_1d(np.asarray(one, float)) for one in (quantity, strike, expiry))
    book = OptionBook(quantity, strike, expiry, np.atleast_1d(np.asarray(call, bool)), settle)
    lengths = {name: len(getattr(book, name)) for name in FIELDS}
    require(len(set(lengths.values())) == 1, "every list has one entry for each option", key="options", got=lengths)
    require(bool(np.isfinite(book.quantity).all()), "a quantity is finite", key="quantity", got=book.quantity.tolist())
    require(bool((book.strike > 0).all()), "a strike is above 0", key="strike", got=book.strike.tolist())
    require(bool((book.expiry > 0).all()), "an expiry lies after the start", key="expiry", got=book.expiry.tolist())
    return book
