"""What a rulebook answers about prices and funding: its mark, its funding rate and payments, its price band.

Prices in quote currency, rates as fractions, times in seconds. Which inputs a mark or a band needs depends on its kind:
what is missing is asked for by name.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.errors import InputError
from stresslab.units import parse_duration
from stresslab.venues import averages, bands, funding, funding_rate, mark
from stresslab.venues.answers.size import SizeAnswers
from stresslab.venues.inputs import FloatArray, not_negative, positive, series, shapes_in_words
from stresslab.venues.schema.band import AroundMark, MarkPremium, NoBand, Steps
from stresslab.venues.schema.mark import EqualsIndex, FairFunding, IndexPlusEma, MedianOfThree, Oracle


class MarketAnswers(SizeAnswers):
    """Mark, funding and band under these rules."""

    @shapes_in_words
    def mark_price(
        self,
        index: ArrayLike,
        *,
        average_basis: ArrayLike | None = None,
        last: ArrayLike | None = None,
        rate: ArrayLike | None = None,
        time_to_funding: ArrayLike | None = None,
        perpetuals: ArrayLike | None = None,
        book_average: ArrayLike = np.nan,
    ) -> FloatArray:
        """The price that triggers; `index` is the oracle where there is one. Source: `stresslab.venues.mark`.

        `average_basis` is what `average_basis` gives; `last` the last price (Hyperliquid: the book's); `rate` the last
        funding rate; `perpetuals` other venues' prices on a last axis.
        """
        rule = self.mark
        if isinstance(rule, EqualsIndex | Oracle):
            return positive("index", index)
        if isinstance(rule, FairFunding):
            return self._fair_price(index, rate, time_to_funding)
        basis = _given("average_basis", average_basis)
        if isinstance(rule, IndexPlusEma):
            return mark.index_plus_average(index, basis, rule.clamp_to_index)
        last_price = _given("last", last)
        if rule.first == "other_venues":
            others = _given("perpetuals", perpetuals)
            return mark.oracle_mark(index, basis, last_price, others, book_average=book_average)
        first = self._fair_price(index, rate, time_to_funding)
        return mark.median_of_three(first, mark.index_plus_average(index, basis), last_price)

    def average_basis(self, samples: ArrayLike, elapsed: ArrayLike) -> FloatArray:
        """The mark's average of mid - index over its window: samples on the last axis, `elapsed` seconds apart."""
        rule = self.mark
        if not isinstance(rule, MedianOfThree | IndexPlusEma):
            raise InputError(f"{self.id} has a mark without an average", key="mark.kind", got=rule.kind)
        window = float(parse_duration(rule.window))
        if rule.smoothing == "ema":
            return averages.exponential_average(samples, elapsed, window)
        apart = float(series("elapsed", np.atleast_1d(positive("elapsed", elapsed))).max())
        return averages.moving_average(samples, max(1, round(window / apart)))

    def is_stale(self, age: ArrayLike) -> NDArray[np.bool_]:
        """Whether a mark this many seconds old triggers nothing; never where no limit is known."""
        limit = None if self.mark.kind == "equals_index" else self.mark.max_age
        if limit is None:
            return np.zeros(not_negative("age", age).shape, dtype=bool)[()]
        return mark.is_stale(age, float(parse_duration(limit)))

    def funding_rate(self, premiums: ArrayLike) -> FloatArray:
        """Rate of one payment from the interval's premium samples (last axis); continuous: per `rate_over`.

        A cap that is a multiple of margin rates takes the lowest tier's. Source: `stresslab.venues.funding_rate`.
        """
        rule = self.funding
        mean = funding_rate.mean_premium(premiums, rule.sample_weights)
        share = self._interval() / parse_duration(rule.rate_over)
        if rule.interest is None:
            return funding_rate.clamp(mean * share, self.funding_cap())
        if rule.damp is None:
            return funding_rate.clamp((mean + rule.interest) * share, self.funding_cap())
        hours = share * funding_rate.QUOTED_HOURS
        return funding_rate.funding_rate(mean, rule.interest, rule.damp, hours, self.funding_cap())

    def funding_cap(self) -> FloatArray | None:
        """The largest absolute rate of one payment; None where there is none or it is not known."""
        rule = self.funding.cap
        if rule.kind == "none":
            return None
        imr, mmr = self._lowest_rates()
        cap = funding_rate.rate_cap(rule.kind, rule.value, imr=imr, mmr=mmr)
        return cap if cap is None else cap * self._interval() / parse_duration(rule.over)

    @shapes_in_words
    def funding_payment(self, side: Any, quantity: ArrayLike, mark_price: ArrayLike, rate: ArrayLike) -> FloatArray:
        """Settlement currency received (negative: paid) at one payment of `rate`; longs pay a positive rate.

        The price is that of `funding.notional_at`. `quantity` in base currency, of an inverse contract in USD, of a
        quanto in contracts.
        """
        exposure = self._exposure(quantity)
        return funding.funding_payment(side, exposure, mark_price, rate, self._kind)

    def funding_accrued(
        self, side: Any, quantity: ArrayLike, mark_price: ArrayLike, rate: ArrayLike, elapsed: ArrayLike
    ) -> FloatArray:
        """What has accrued `elapsed` seconds after the last payment, where funding accrues (Deribit, Kraken)."""
        share = funding_rate.accrued_rate(rate, elapsed, self._interval())
        return self.funding_payment(side, quantity, mark_price, share)

    def price_band(
        self,
        *,
        mark_price: ArrayLike | None = None,
        index: ArrayLike | None = None,
        premium: ArrayLike = 0.0,
        settlement: ArrayLike | None = None,
        just_listed: bool = False,
    ) -> bands.Band | None:
        """Lowest sell and highest buy; None where the rulebook has no band. Source: `stresslab.venues.bands`."""
        rule = self.band
        if isinstance(rule, NoBand):
            return None
        if isinstance(rule, AroundMark):
            return bands.around(_given("mark_price", mark_price), rule.up, rule.down)
        if isinstance(rule, Steps):
            return bands.session_band(_given("settlement", settlement), rule.limits)
        reference = _given("index", index)
        if isinstance(rule, MarkPremium):
            return bands.mark_band(_given("mark_price", mark_price), reference, premium, rule.x, rule.y, rule.alpha)
        if just_listed:
            return bands.around(reference, rule.x)
        return bands.index_band(reference, premium, rule.y, rule.z)

    def _fair_price(self, index: ArrayLike, rate: ArrayLike | None, time_to_funding: ArrayLike | None) -> FloatArray:
        to_funding = _given("time_to_funding", time_to_funding)
        return mark.fair_price(index, _given("rate", rate), to_funding, self._interval())

    def _interval(self) -> float:
        return float(self.funding.rate_seconds)

    def _lowest_rates(self) -> tuple[float, float]:
        """Initial and maintenance rate of the smallest position."""
        rule = self.requirement
        if rule.shape == "marginal" or rule.shape == "flat":
            return float(rule.table.imr[0]), float(rule.table.mmr[0])
        if rule.shape == "affine":
            return rule.imr0, rule.mmr0
        if rule.shape == "sqrt":
            return rule.base_initial, rule.base_maintenance
        raise InputError("an option has no funding", key="requirement.shape", got=rule.shape)


def _given(key: str, value: ArrayLike | None) -> ArrayLike:
    """The input, which this rulebook needs."""
    if value is None:
        raise InputError("is needed under this rulebook", key=key, got=None)
    return value
