"""What a rulebook answers about a liquidation: how much is closed, at what fee and worst price, and who gets what.

Money in settlement currency, quantities in the contract's unit (base currency; USD of an inverse contract; contracts of
a quanto). Equity and requirement are the account's, at the price that triggers.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.errors import InputError, require
from stresslab.units import parse_duration
from stresslab.venues import close_out, cross_account, liquidation_fees, partial, tier_reduction
from stresslab.venues.inputs import FloatArray, finite, not_negative
from stresslab.venues.liquidation_rules import Stage
from stresslab.venues.rules import Rules


class LiquidationAnswers(Rules):
    """The ladder, its fees and its close-out under these rules."""

    def liquidation_size(
        self,
        quantity: ArrayLike,
        price: ArrayLike,
        equity: ArrayLike,
        requirement: ArrayLike,
        *,
        since_first: ArrayLike = np.nan,
    ) -> FloatArray:
        """What the ladder's first order closes; 0 while equity is above the requirement.

        `since_first` is the time in seconds since an earlier order, NaN if this is the first one (Hyperliquid). The
        position and its margin stand alone, at a linear contract's price.
        """
        left, needed = finite("equity", equity), not_negative("requirement", requirement)
        stages = [stage for stage in self.liquidation.ladder if stage.stage != "cancel_orders"]
        size = self._stage_size(stages[0], quantity, price, left, needed, since_first)
        due = left <= needed if self.requirement.compare == "le" else left < needed
        return np.where(due, np.minimum(size, quantity), 0.0)[()]

    def _stage_size(
        self,
        stage: Stage,
        quantity: ArrayLike,
        price: ArrayLike,
        equity: FloatArray,
        requirement: FloatArray,
        since_first: ArrayLike,
    ) -> Any:
        held, notional = finite("quantity", quantity), finite("quantity", quantity) * finite("price", price)
        if stage.stage == "full":
            return held
        if stage.stage == "fraction":
            return partial.fraction_to_close(
                held,
                price,
                since_first,
                fraction=stage.fraction,
                above_notional=stage.above_notional,
                cooldown=float(parse_duration(stage.cooldown)),
            )
        ratio = requirement / notional
        if stage.stage == "cover_shortage":
            shortage = np.maximum(requirement + stage.buffer * notional - equity, 0.0)
            return partial.size_to_cover(shortage, price, ratio + stage.buffer, self.liquidation.fee)
        if stage.stage == "incremental":
            shortage = np.maximum(requirement - equity, 0.0)
            needed = partial.size_to_cover(shortage, price, ratio, self.liquidation.fee)
            return partial.round_to_close(held, stage.fraction, needed)
        require(self.requirement.shape in ("marginal", "flat"), "has no tiers", key="requirement.shape")
        return self._tier_size(stage, held, price)

    def _tier_size(self, stage: Any, held: FloatArray, price: ArrayLike) -> FloatArray:
        """Down the tiers, which are counted in the quote notional or in the contract's own unit."""
        table = self.requirement.table
        unit = np.asarray(price, dtype=np.float64) if self.requirement.tier_unit == "quote" else 1.0
        return tier_reduction.reduce_by_tiers(held * unit, table.cap, stage.tiers, stage.from_tier) / unit

    def liquidation_fee(self, notional: ArrayLike, left: ArrayLike = np.inf) -> FloatArray:
        """The fee on a liquidated notional (at the fill), capped by the equity that is `left`."""
        return liquidation_fees.clearance_fee(notional, self.liquidation.fee, left)

    def liquidator_fee_rate(self, slots_since_active: ArrayLike) -> FloatArray:
        """The fee rate where it grows while nobody liquidates (Drift); the plain one elsewhere."""
        ramp = self.liquidation.fee_ramp
        if ramp is None:
            return np.full(np.shape(slots_since_active), self.liquidation.fee)[()]
        return liquidation_fees.ramped_fee(
            self.liquidation.fee, ramp.max_fee, slots_since_active, ramp.grace_slots, ramp.per_slot
        )

    def insurance_fee_rate(
        self, margin_shortage: ArrayLike, quantity: ArrayLike, price: ArrayLike, margin_ratio: ArrayLike
    ) -> FloatArray:
        """The further fee for the fund where there is one (Drift), else 0."""
        rule = self.liquidation.insurance_fee
        if rule is None:
            return np.zeros(np.broadcast_shapes(*map(np.shape, (margin_shortage, quantity, price, margin_ratio))))[()]
        return liquidation_fees.insurance_fee_rate(
            margin_shortage, quantity, price, margin_ratio, self.liquidation.fee, rule.max_fee, rule.share
        )

    def liquidation_share(
        self, margin_shortage: ArrayLike, slots_elapsed: ArrayLike = 0.0, margin_freed: ArrayLike = 0.0
    ) -> FloatArray:
        """The share of the shortage that may be covered by now (Drift); 1 where there is no pace."""
        pace = self.liquidation.pace
        if pace is None:
            return np.ones(np.shape(margin_shortage))[()]
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
            return np.zeros(np.broadcast_shapes(np.shape(equity), np.shape(requirement)), dtype=bool)
        return partial.goes_to_backstop(equity, requirement, share)

    def settle(self, equity: ArrayLike, notional: ArrayLike) -> close_out.CloseOut:
        """Fee, trader, fund and shortfall from the equity at the fill and the liquidated notional there."""
        return close_out.close_out(equity, notional, self.liquidation.fee, self.liquidation.residual)

    def insurance_fund_change(
        self, side: Any, quantity: ArrayLike, bankruptcy_price: ArrayLike, fill_price: ArrayLike
    ) -> FloatArray:
        """What the fund gains that takes the position at bankruptcy and closes it at the fill; negative: it pays."""
        if self.contract.kind == "inverse":
            return close_out.insurance_fund_change(side, quantity, bankruptcy_price, fill_price, "inverse")
        size = self.contract.multiplier if self.contract.kind == "quanto" else 1.0
        return size * close_out.insurance_fund_change(side, quantity, bankruptcy_price, fill_price)
