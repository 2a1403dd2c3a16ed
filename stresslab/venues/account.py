"""The other positions of a cross account: their PnL and what they require, at the prices given with them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stresslab.errors import require
from stresslab.venues.answers.position_requirement import require_leverage
from stresslab.venues.inputs import FloatArray
from stresslab.venues.rulebook import Rulebook


class Position(NamedTuple):
    """One position at its price now; the money of all positions of an account is in one settlement currency."""

    rules: Rulebook
    side: Any  # "long" or "short"
    entry_price: ArrayLike
    quantity: ArrayLike
    price: ArrayLike
    leverage_set: ArrayLike | None = None  # that the venue shows: where it decides the closing fee
    funding_rate: ArrayLike = 0.0  # current, as a cost to this side: where it is part of the requirement


class Others(NamedTuple):
    """What the rest of an account adds: unrealised PnL and maintenance margin, settlement currency."""

    other_pnl: FloatArray
    other_maintenance: FloatArray


def others(positions: Sequence[Position]) -> Others:
    """PnL and maintenance margin summed over positions, for `other_pnl` and `other_maintenance` of an answer.

    Where a rulebook nets (`netting: max_leg`), only the larger of the long and the short requirements on one underlying
    counts. Source: Kraken, margining of multi-collateral futures.
    """
    pnl: FloatArray = np.zeros(())
    single: FloatArray = np.zeros(())
    netted: dict[tuple[str, str], FloatArray] = defaultdict(lambda: np.zeros(()))
    require(isinstance(positions, Sequence), "must be a list of Position", key="positions", got=positions)
    for position in positions:
        require(isinstance(position, Position), "must be a Position", key="positions", got=type(position).__name__)
        rules, side, entry, quantity, price, leverage_set, funding_rate = position
        require(isinstance(rules, Rulebook), "must be a Rulebook", key="positions.rules", got=rules)
        pnl = pnl + rules.equity(side, entry, quantity, 0.0, price)
        if rules.closing_fee_is_fixed:
            require_leverage(leverage_set, "positions.leverage_set")
        venue: dict[str, Any] = {"leverage_set": leverage_set, "funding_rate": funding_rate}
        wanted = rules.required(side, entry, quantity, 0.0, price, **venue)
        if rules.requirement.netting == "none":
            single = single + wanted
            continue
        for name in ("long", "short"):
            key = (rules.contract.base, name)
            netted[key] = netted[key] + np.where(np.asarray(side) == name, wanted, 0.0)
    for base in {base for base, _ in netted}:
        single = single + np.maximum(netted[base, "long"], netted[base, "short"])
    return Others(pnl, single)
