"""What a rulebook answers about a liquidation: how much is closed, at what fee and worst price, and who gets what.

Money in settlement currency, quantities in the contract's unit (base currency; USD of an inverse contract; contracts of
a quanto). Equity and requirement are the account's, at the price that triggers.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.errors import InputError
from stresslab.units import parse_duration
from stresslab.venues import close_out, cross_account, liquidation_fees, partial, tier_reduction
from stresslab.venues.answers.demand import size_moves
from stresslab.venues.answers.margin import MarginAnswers
from stresslab.venues.inputs import FloatArray, finite, not_negative, positive
from stresslab.venues.schema.liquidation import CloseFraction, CoverShortage, Incremental
from stresslab.venues.schema.requirement import Flat, Marginal


class LiquidationAnswers(MarginAnswers):
    """The ladder, its fees and its close-out under these rules."""

    def liquidation_size(
        self,
        side: Any,
        entry_price: ArrayLike,
        quantity: ArrayLike,
        margin: ArrayLike,
        mark_price: ArrayLike,
        *,
        other_pnl: ArrayLike = 0.0,
        other_maintenance: ArrayLike = 0.0,
        since_first: ArrayLike = np.nan,
        leverage_set: ArrayLike | None = None,
        funding_rate: ArrayLike = 0.0,
        closing_fee: ArrayLike | None = None,
    ) -> FloatArray:
        """The quantity that the ladder's first order closes; 0 where the position is not liquidated.

        `since_first` is the time in seconds since an earlier order, NaN if this is the first one (Hyperliquid). Orders
        are taken to fill at the mark.
        """
        others = {"other_pnl": other_pnl, "other_maintenance": other_maintenance}
        venue: dict[str, Any] = {"leverage_set": leverage_set, "funding_rate": funding_rate, "closing_fee": closing_fee}
        due = self.is_liquidated(side, entry_price, quantity, margin, mark_price, **others, **venue)
        left = self.equity(side, entry_price, quantity, margin, mark_price, other_pnl=other_pnl)
        backing = finite("margin", margin) + finite("other_pnl", other_pnl)
        wanted = self.required(side, entry_price, quantity, backing, mark_price, **venue)
        free = left - finite("other_maintenance", other_maintenance)
        held, value = positive("quantity", quantity), self.notional(quantity, mark_price)
        asked = {"leverage_set": leverage_set, "closing_fee": closing_fee}
        fee = self.close_fee(side, entry_price, quantity, backing, mark_price, **asked) / value
        stage = next(stage for stage in self.liquidation.ladder if stage.stage != "cancel_orders")
        if stage.stage == "fraction":
            size = self._fraction(stage, held, value, since_first)
        elif stage.stage in ("reduce_tiers", "to_passing_tier"):
            size = held * self._share_by_tiers(stage, self.size(quantity, mark_price), value, free, fee)
        elif stage.stage == "full":
            size = held
        else:
            size = held * self._share_by_shortage(stage, value, free, wanted, fee)
        return np.where(due, np.minimum(size, held), 0.0)[()]

    def margin_ratio(
        self,
        side: Any,
        entry_price: ArrayLike,
        quantity: ArrayLike,
        margin: ArrayLike,
        mark_price: ArrayLike,
        *,
        other_pnl: ArrayLike = 0.0,
        other_maintenance: ArrayLike = 0.0,
        leverage_set: ArrayLike | None = None,
        funding_rate: ArrayLike = 0.0,
        closing_fee: ArrayLike | None = None,
    ) -> FloatArray:
        """Equity over what is required: liquidated at or below 1 (OKX shows it as 100 %; Binance shows 1 / this)."""
        left = self.equity(side, entry_price, quantity, margin, mark_price, other_pnl=other_pnl)
        backing = finite("margin", margin) + finite("other_pnl", other_pnl)
        venue: dict[str, Any] = {"leverage_set": leverage_set, "funding_rate": funding_rate, "closing_fee": closing_fee}
        wanted = self.required(side, entry_price, quantity, backing, mark_price, **venue)
        return left / (wanted + not_negative("other_maintenance", other_maintenance))

    def _fraction(self, stage: CloseFraction, held: FloatArray, value: FloatArray, since_first: ArrayLike) -> Any:
        bounds = {"above_notional": stage.above_notional, "cooldown": float(parse_duration(stage.cooldown))}
        return partial.fraction_to_close(held, value / held, since_first, fraction=stage.fraction, **bounds)

    def _share_by_tiers(
        self, stage: Any, size: FloatArray, value: FloatArray, free: FloatArray, fee: FloatArray
    ) -> FloatArray:
        """The share of the position beyond the tier to go to; `fee` is the closing fee over the notional."""
        rule = self.requirement
        if not isinstance(rule, Marginal | Flat):
            raise InputError("has no tiers to go down", key="requirement.shape", got=rule.shape)
        table, per_unit = rule.table, size / value
        if stage.stage == "to_passing_tier":
            rates = table.mmr + fee[..., None]
            closed = tier_reduction.reduce_to_passing_tier(size, free * per_unit, table.cap, rates, table.cum)
        else:
            covers = free > value * (table.mmr[0] + fee)
            closed = tier_reduction.reduce_by_tiers(size, table.cap, stage.tiers, stage.from_tier, covers)
        return closed / size

    def _share_by_shortage(
        self, stage: Any, value: FloatArray, free: FloatArray, wanted: FloatArray, closing: FloatArray
    ) -> FloatArray:
        """The share that brings equity back to the requirement after the fee; exact for marginal tiers."""
        fee, rule = self.liquidation.fee, self.requirement
        buffer = stage.buffer if isinstance(stage, CoverShortage) else 0.0
        if isinstance(rule, Marginal) and size_moves(self):
            rates = rule.table.mmr + closing[..., None] + buffer
            needed = partial.size_to_cover_tiers(free, value, rates, rule.table.cum, fee) / value
        else:  # the rate of the whole: more than enough where rates fall with the size
            rate = wanted / value + buffer
            needed = partial.size_to_cover(np.maximum(value * rate - free, 0.0), value, rate, fee)
        if isinstance(stage, Incremental):
            return partial.round_to_close(np.ones_like(value), stage.fraction, needed)
        return needed

    def liquidation_fee(self, notional: ArrayLike, left: ArrayLike = np.inf) -> FloatArray:
        """The fee on a liquidated notional (at the fill), capped by the equity that is `left`."""
        return liquidation_fees.clearance_fee(notional, self.liquidation.fee, left)

    def liquidator_fee_rate(self, slots_since_active: ArrayLike) -> FloatArray:
        """The fee rate where it grows while nobody liquidates (Drift); the plain one elsewhere."""
        ramp = self.liquidation.fee_ramp
        if ramp is None:
            return np.full(not_negative("slots_since_active", slots_since_active).shape, self.liquidation.fee)[()]
        return liquidation_fees.ramped_fee(
            self.liquidation.fee, ramp.max_fee, slots_since_active, ramp.grace_slots, ramp.per_slot
        )

    def insurance_fee_rate(
        self, margin_shortage: ArrayLike, quantity: ArrayLike, price: ArrayLike, margin_ratio: ArrayLike
    ) -> FloatArray:
        """The further fee for the fund where there is one (Drift), else 0."""
        rule = self.liquidation.insurance_fee
        if rule is None:
            return 0.0 * _checked(margin_shortage=margin_shortage, quantity=quantity, price=price, ratio=margin_ratio)
        return liquidation_fees.insurance_fee_rate(
            margin_shortage, quantity, price, margin_ratio, self.liquidation.fee, rule.max_fee, rule.share
        )

    def liquidation_share(
        self, margin_shortage: ArrayLike, slots_elapsed: ArrayLike = 0.0, margin_freed: ArrayLike = 0.0
    ) -> FloatArray:
        """The share of the shortage that may be covered by now (Drift); 1 where there is no pace."""
        pace = self.liquidation.pace
        if pace is None:
            given = {"margin_shortage": margin_shortage, "slots_elapsed": slots_elapsed, "margin_freed": margin_freed}
            return 1.0 + 0.0 * _checked(**given)
        return partial.largest_share(
            margin_shortage, pace.initial_share, slots_elapsed, pace.duration_slots, margin_freed, pace.at_once_below
        )

    def block_bounds(self, position_notional: ArrayLike, already: ArrayLike = 0.0) -> partial.Bounds:
        """Smallest and largest notional of one order (dYdX); the whole position where there are no caps."""
        caps = self.liquidation.caps
        if caps is None:
            whole = not_negative("position_notional", position_notional)
            return partial.Bounds(whole, whole)
        return partial.block_bounds(position_notional, caps.min_notional, caps.max_portion, caps.max_notional, already)

    def fillable_price(
        self, size: ArrayLike, price: ArrayLike, mmf: ArrayLike, value: ArrayLike, maintenance: ArrayLike
    ) -> FloatArray:
        """The worst price of a liquidation order (dYdX); sizes signed. Source: `stresslab.venues.cross_account`."""
        rule = self.liquidation.limit_price
        if rule is None:
            raise InputError(f"{self.id} has no limit price of liquidations", key="liquidation.limit_price", got=None)
        return cross_account.fillable_price(
            size, price, mmf, value, maintenance, rule.bankruptcy_adjustment, rule.spread_to_maintenance
        )

    def goes_to_backstop(self, equity: ArrayLike, requirement: ArrayLike) -> NDArray[np.bool_]:
        """Whether a backstop takes the position and its margin (Hyperliquid); never where there is none."""
        share = self.liquidation.backstop_at
        if share is None:
            return np.zeros(_checked(equity=equity, requirement=requirement).shape, dtype=bool)[()]
        return partial.goes_to_backstop(equity, requirement, share)

    def settle(self, equity: ArrayLike, notional: ArrayLike, taken_over: Any = False) -> close_out.CloseOut:
        """Fee, trader, fund and shortfall from the equity at the fill and the liquidated notional there.

        `taken_over` is where a backstop has the account (`goes_to_backstop`): what is left is its.
        """
        return close_out.close_out(equity, notional, self.liquidation.fee, self.liquidation.residual, taken_over)

    def insurance_fund_change(
        self, side: Any, quantity: ArrayLike, bankruptcy_price: ArrayLike, fill_price: ArrayLike
    ) -> FloatArray:
        """What the fund gains that takes the position at bankruptcy and closes it at the fill; negative: it pays."""
        exposure = self._exposure(quantity)
        return close_out.insurance_fund_change(side, exposure, bankruptcy_price, fill_price, self._kind)


def _checked(**given: ArrayLike) -> FloatArray:
    """The sum of what a rulebook without that rule does not read: it is refused if senseless, and has their shape."""
    return np.asarray(sum(finite(key, value) for key, value in given.items()))
