"""From books in money to the form and the numbers of the general account engine."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stresslab.accounts.form import AccountForm, AccountNumbers, BookForm, BookNumbers, Leg, LegNumbers
from stresslab.config.build import SIDES, BookFacts, positions

PLAIN = BookForm((AccountForm((Leg(),)),))


def as_general(book: BookFacts) -> BookFacts:
    """The same book for the general engine, which can evaluate any."""
    return replace(book, form=PLAIN) if book.form is None else book


def numbers(books: Sequence[BookFacts], dt: float) -> BookNumbers:
    """The rows of books of one form, float64; `dt` is the step in years."""
    p = positions(books, all_tiers=True)
    side = np.array([float(SIDES[book.side]) for book in books])
    leg = LegNumbers(
        size=side,
        entry=p.entry,
        mmr=p.mmr,
        cum=p.cum,
        cap=np.zeros_like(p.cum),
        fee=p.exit_fee,
        liquidation_fee=p.liquidation_fee,
        slippage=p.slippage,
    )
    account = AccountNumbers(p.margin + side * (1 - p.entry), (leg,), p.residual_kept)
    return BookNumbers((account,), p.equity, p.outside_fee, p.entry_fee, np.zeros_like(side))
