"""Standard margin of one option: what a short one requires by its strike and premium (long ones are paid in full).

For each unit of base currency, S the underlying, OTM max(K - S, 0) for a call and max(S - K, 0) for a put, and the
premium as a fraction of S:

    call  initial max(a - OTM / S, b) + premium                 maintenance m + premium
    put   initial the larger of the same and its maintenance    maintenance max(m, m premium) + premium

with a, b, m of `requirement`. In coin for options settled in coin, times S for those settled in quote currency.
Source: Deribit, standard margin (doc.tslab.pro, a copy).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stresslab.errors import InputError
from stresslab.venues.inputs import FloatArray, direction, not_negative, one_of_two, positive, shapes_in_words
from stresslab.venues.schema.contract import Option
from stresslab.venues.schema.requirement import ShortOption
from stresslab.venues.schema.rules import Rules


class OptionMargin(NamedTuple):
    """Settlement currency."""

    initial: FloatArray
    maintenance: FloatArray


class OptionAnswers(Rules):
    """Margins of options under these rules."""

    @shapes_in_words
    def option_margin(
        self,
        side: Any,
        right: Any,
        strike: ArrayLike,
        underlying_price: ArrayLike,
        premium: ArrayLike,
        quantity: ArrayLike = 1.0,
    ) -> OptionMargin:
        """Initial and maintenance margin of a position; `right` is "call" or "put", `premium` in settlement currency.

        The premium is the option's mark for one unit of base currency. InputError where the rules are not of options.
        """
        wanted, contract = self.requirement, self.contract
        if not (isinstance(wanted, ShortOption) and isinstance(contract, Option)):
            raise InputError("is no rulebook of options", key="rulebook", got=self.id)
        spot, exercise = positive("underlying_price", underlying_price), positive("strike", strike)
        unit = spot if contract.premium_in == "quote" else np.ones(())
        mark = not_negative("premium", premium) / unit
        call = one_of_two("right", right, "call", "put")
        out = np.maximum(np.where(call, exercise - spot, spot - exercise), 0.0) / spot
        initial = np.maximum(wanted.initial - out, wanted.initial_floor) + mark
        maintenance = (
            np.where(call, wanted.maintenance, np.maximum(wanted.maintenance, wanted.maintenance * mark)) + mark
        )
        initial = np.where(call, initial, np.maximum(initial, maintenance))
        held = np.where(direction(side) < 0, positive("quantity", quantity), 0.0) * unit
        return OptionMargin(held * initial, held * maintenance)
