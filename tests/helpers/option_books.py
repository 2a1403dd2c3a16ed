"""Books of options that several tests take, strikes relative to the spot."""

from typing import Any

import numpy as np

from stresslab.options.book import OptionBook, Settle, option_book

DAY = 1 / 365
STEP = DAY / 96  # a quarter of an hour


def drawn(n: int, settle: Settle = "quote", seed: int = 2) -> OptionBook:
    """Options bought and sold at random: strikes of 0.7 to 1.4, expiries of 7 to 60 days, gross size 1."""
    rng = np.random.default_rng(seed)
    quantity, strike = rng.normal(size=n), np.round(rng.uniform(0.7, 1.4, n), 2)
    expiry, call = rng.choice([7, 14, 30, 60], n) * DAY, rng.random(n) < 0.5
    return option_book(quantity / np.abs(quantity).sum(), strike, expiry, call, settle)


def one(quantity: float, strike: float, days: float, call: bool, settle: Settle = "quote") -> OptionBook:
    """A single option."""
    return option_book([quantity], [strike], [days * DAY], [call], settle)


def nothing(settle: Settle) -> OptionBook:
    """No option at all."""
    none: Any = np.zeros(0)
    return OptionBook(none, none, none, none.astype(bool), settle)
