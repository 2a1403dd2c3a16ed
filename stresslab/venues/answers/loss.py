"""What a rulebook answers about losses beyond the margin: the fund, deleveraging or shares.

The accounts of the winning side are on the last axis. Money in settlement currency, quantities in the contract's unit.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.errors import InputError
from stresslab.venues import close_out, deleveraging, deleveraging_rank, deleveraging_trigger, socialised
from stresslab.venues.answers.size import SizeAnswers
from stresslab.venues.inputs import FloatArray, finite, shapes_in_words
from stresslab.venues.schema.loss import Deleveraging


class LossAnswers(SizeAnswers):
    """The waterfall under these rules."""

    def use_fund(self, fund: ArrayLike, shortfall: ArrayLike) -> close_out.FundUse:
        """What the insurance fund pays, and what is left to the others."""
        return close_out.use_fund(fund, shortfall)

    @shapes_in_words
    def deleveraging_scores(
        self,
        side: Any,
        entry_price: ArrayLike,
        quantity: ArrayLike,
        equity: ArrayLike,
        mark_price: ArrayLike,
        maintenance: ArrayLike = 0.0,
        seed: int = 0,
    ) -> FloatArray:
        """Who is first, by the venue's rank: the highest. `equity` is margin + unrealised PnL, of account or position.

        `maintenance` is read by Binance's rank alone, `seed` by the random one. Source: `deleveraging_rank`.
        """
        rank, left = self._adl().rank, finite("equity", equity)
        now, entry = (self._value(side, quantity, price) for price in (mark_price, entry_price))
        pnl = now - entry
        if rank == "random":
            return deleveraging_rank.random_score(seed, np.broadcast(pnl, left).shape[-1])
        if rank == "profit":
            return pnl
        if rank == "leverage_pnl":
            return deleveraging_rank.leverage_pnl(pnl, left - pnl, maintenance)
        if rank == "mark_leverage":
            return deleveraging_rank.mark_leverage(mark_price, entry_price, np.abs(now), left, side)
        return deleveraging_rank.pnl_times_leverage(now, entry, now - left)

    def deleveraging_order(self, scores: ArrayLike, eligible: Any = True) -> NDArray[np.int64]:
        """Indices of the accounts, the first to be deleveraged first."""
        return deleveraging.deleveraging_order(scores, eligible)

    def deleveraging_on(
        self,
        *,
        fund: ArrayLike = 0.0,
        drawdown: ArrayLike = 0.0,
        equity: ArrayLike = 0.0,
        pool_pnl_factor: ArrayLike = 0.0,
        was_on: Any = False,
    ) -> NDArray[np.bool_]:
        """Whether positions are deleveraged now; each venue's trigger reads its own input.

        `fund` is what is left of it after the loss, `drawdown` its fall from the recent peak as a fraction, `equity`
        the liquidated account's. Source: `deleveraging_trigger`.
        """
        rule = self._adl().trigger
        if rule.kind == "fund_empty":
            return deleveraging_trigger.fund_empty(fund)
        if rule.kind == "equity_negative":
            return deleveraging_trigger.equity_negative(equity)
        if rule.kind == "pool_pnl":
            return deleveraging_trigger.deleveraging_on(pool_pnl_factor, was_on, rule.above, rule.stop)
        stop = rule.drawdown if rule.stop is None else rule.stop
        return deleveraging_trigger.deleveraging_on(drawdown, was_on, rule.drawdown, stop, fund)

    def deleveraging_price(self, *, bankruptcy: ArrayLike, mark: ArrayLike, oracle: ArrayLike) -> FloatArray:
        """The price at which a winner is closed."""
        return deleveraging.deleveraging_price(self._adl().price, bankruptcy=bankruptcy, mark=mark, oracle=oracle)

    def socialised_loss(self, loss: ArrayLike, profits: ArrayLike, sizes: ArrayLike) -> FloatArray:
        """What each account gives up of a loss that is shared: by profit, or by size where funding carries it."""
        if self.loss.then == "socialise":
            return socialised.shares_by_profit(loss, profits)
        if self.loss.then == "pro_rata_funding":
            return socialised.shares_by_size(loss, sizes)
        raise InputError(f"{self.id} does not share losses", key="loss.then", got=self.loss.then)

    def _adl(self) -> Deleveraging:
        rule = self.loss.adl
        if rule is None:
            raise InputError(f"{self.id} does not deleverage", key="loss.then", got=self.loss.then)
        return rule

    def _value(self, side: Any, quantity: ArrayLike, price: ArrayLike) -> FloatArray:
        """Signed so that a difference of two is the PnL."""
        return deleveraging_rank.position_value(side, self._exposure(quantity), price, self._kind)
