"""The waterfall: who bears what the market's bankrupt positions have lost. The fund, then winners or everybody.

Each step's move of one asset liquidates part of a population of positions (`population`). Their residuals go to the
fund, their losses come out of it as far as the rule lets them; what is left is uncovered.

    fund_empty        the fund pays while there is anything in it                              Binance, BitMEX
    drawdown          it pays down to (1 - x) of its peak; from then on nothing, until it is back above (1 - stop)
                      of it                                                                    Bybit, OKX
    equity_negative   there is no fund before the winners, and no order is filled beyond bankruptcy (what is not
                      filled is taken over): only gaps make losses                  Hyperliquid, dYdX, Kraken

    adl               winners close what the uncovered part of the bankrupt positions was, in the venue's order, at the
                      price at which those are bankrupt: they lose what was uncovered. At mark or oracle they lose
                      nothing, and the fund pays as far as it reaches.
    socialise         winners pay it in proportion to what they made in the step (Deribit: in the session)
    pro_rata_funding  all positions pay it by their size (Drift)

The peak is the highest at the beginnings of the last `blocks` parts of the window, and now. A book is small beside the
market: it moves none of this, and where the fund does not pay, others bear its own shortfall too. The move is that
between two beginnings of steps; what it brings is carried out when the next step begins. Figures: the pool of Binance
for BTC, ETH and BNB fell from $1.23B to $1.04B on 2025-10-10, when BTC fell 13 %; BitMEX's by 2,606 XBT on 2020-03-13,
without deleveraging; Bybit's rule: bybit-exchange docs of 2026-07-24 (30 % and 25 % of the 8 h peak).
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab import random
from stresslab.accounts import close_out, population
from stresslab.accounts.close_out import CloseOut, CloseOutNumbers
from stresslab.accounts.conditions.base import Effect
from stresslab.accounts.population import Population, Side, Wave
from stresslab.accounts.ranks import Rank

_NOTHING = np.float32(0)


class WaterfallNumbers(NamedTuple):
    """Scalars but for the population's buckets. Money in quote currency."""

    fund: Any  # at as_of
    kept: Any  # share of the residuals that the fund gets: 1, or 0 where customers keep them
    population: Population
    close_out: CloseOutNumbers  # of the market's liquidations together
    drawdown: Any  # x
    stop: Any  # drawdown at which deleveraging ends
    block: Any  # int32, steps: the window / `blocks`


class Borne(NamedTuple):
    """What a step's uncovered losses do to books, (1, path)."""

    form: "Waterfall"
    numbers: WaterfallNumbers
    fund_pays: Array  # 1 or 0
    winner: Array  # +1 where longs won, -1 shorts
    closed: Array  # share of the winners' open interest that is closed
    worse: Array  # fraction of the price that they lose
    charged: Array  # fraction of the notional that is paid
    profit: Array  # mean log return of the winners since their entry
    drawn: Array  # rank of a book's positions where it is random


class Fund(NamedTuple):
    """(1, path), peaks (blocks, path)."""

    left: Array
    peaks: Array
    is_on: Array  # deleveraging


class Market(NamedTuple):
    """Where it stands, and what the last step did."""

    log_price: Array
    entry: Array  # mean log entry price
    long: Side
    short: Side
    fund: Fund
    fund_pays: Array
    winner: Array
    closed: Array
    worse: Array
    charged: Array
    drawn: Array


@dataclass(frozen=True)
class Waterfall:
    """The form."""

    then: Literal["adl", "socialise", "pro_rata_funding", "none"] = "adl"
    trigger: Literal["fund_empty", "drawdown", "equity_negative"] = "fund_empty"
    rank: Rank = "leverage_pnl"
    price: Literal["bankruptcy", "mark", "oracle"] = "bankruptcy"
    close_out: CloseOut = CloseOut("square_root", falls=False)
    blocks: int = 8
    asset: int = 0

    @property
    def words(self) -> int:
        """One for a random order."""
        return int(self.then == "adl" and self.rank == "random")

    @property
    def causes(self) -> tuple[int, ...]:
        """None of its own."""
        return ()

    @property
    def shares_losses(self) -> bool:
        """Whether books pay for others' losses in cash."""
        return self.then in ("socialise", "pro_rata_funding")

    def start(self, numbers: WaterfallNumbers, price: Array) -> Market:
        """Calm, the fund full."""
        none = jnp.zeros_like(price[:1])
        fund = Fund(none + numbers.fund, jnp.zeros((self.blocks, price.shape[1]), price.dtype) + numbers.fund, none > 0)
        side = Side(none, none)
        return Market(none, none, side, side, fund, none + np.float32(1), none, none, none, none, none)

    def step(
        self,
        numbers: WaterfallNumbers,
        memory: Market,
        words: tuple[Array, ...],
        price: Array,
        variance: Array,
        step: Array,
    ) -> Market:
        """The move since the last step, and who bears it."""
        own = slice(self.asset, self.asset + 1)
        log_price, now = jnp.log(price[own]), variance[own]
        rise = log_price - memory.log_price
        long, of_longs = population.meet(numbers.population, memory.long, -rise, now)
        short, of_shorts = population.meet(numbers.population, memory.short, rise, now)
        traded = population.liquidated(of_longs) + population.liquidated(of_shorts)
        slippage = close_out.impact(self.close_out, numbers.close_out, traded, now)
        if self.trigger == "equity_negative":
            slippage = jnp.zeros_like(slippage)
        waves = (population.close(numbers.population, met, slippage) for met in (of_longs, of_shorts))
        wave = Wave(*(a + b for a, b in zip(*waves, strict=True)))
        fund, uncovered = self._pay(numbers, memory.fund, wave, step)
        share = uncovered / jnp.maximum(wave.loss, np.float32(1e-30))
        total = jnp.sum(numbers.population.open_interest)
        is_adl = np.float32(self.then == "adl")
        payers = np.float32(2 if self.then == "pro_rata_funding" else 1)
        mean = memory.entry + numbers.population.renewal * (log_price - memory.entry)
        return Market(
            log_price=log_price,
            entry=mean,
            long=long,
            short=short,
            fund=fund,
            fund_pays=self._pays(fund),
            winner=jnp.where(rise < _NOTHING, -jnp.ones_like(rise), jnp.ones_like(rise)),
            closed=is_adl * jnp.minimum(share * wave.bankrupt / total, np.float32(1)),
            worse=self._worse(wave),
            charged=np.float32(self.shares_losses) * uncovered / (payers * total),
            drawn=jnp.zeros_like(rise) + (random.uniform(words[0]) if self.words else _NOTHING),
        )

    def effect(self, numbers: WaterfallNumbers, memory: Market) -> Effect:
        """What books bear at the beginning of the step, and who pays their own shortfalls in it."""
        profit = memory.winner * (memory.log_price - memory.entry)
        borne = Borne(
            self,
            numbers,
            memory.fund_pays,
            memory.winner,
            memory.closed,
            memory.worse,
            memory.charged,
            profit,
            memory.drawn,
        )
        return Effect(waterfall=(borne,))

    def _pay(self, numbers: WaterfallNumbers, fund: Fund, wave: Wave, step: Array) -> tuple[Fund, Array]:
        """The fund after the step's residuals and losses, and what it has not paid."""
        held = fund.left + numbers.kept * wave.gain
        peaks = jnp.concatenate([jnp.maximum(fund.peaks[:1], held), fund.peaks[1:]])
        peak = jnp.max(peaks, axis=0, keepdims=True)
        payable = jnp.maximum(held, _NOTHING)
        if self.trigger == "drawdown":
            above = jnp.maximum(held - (np.float32(1) - numbers.drawdown) * peak, _NOTHING)
            payable = jnp.where(fund.is_on, _NOTHING, above)
        if self.trigger == "equity_negative":
            payable = jnp.zeros_like(held)
        uncovered = wave.loss - jnp.minimum(wave.loss, payable)
        if self.then == "adl" and self.price != "bankruptcy":
            payable = jnp.maximum(held, _NOTHING)  # the winners lose nothing
        left = held - jnp.minimum(wave.loss, payable)
        stays = fund.is_on & (left < (np.float32(1) - numbers.stop) * peak)
        begins = (step % numbers.block) == 0
        shifted = jnp.concatenate([left, peaks[:-1]])
        return Fund(left, jnp.where(begins, shifted, peaks), (uncovered > _NOTHING) | stays), uncovered

    def _pays(self, fund: Fund) -> Array:
        """1 where the fund pays a small shortfall."""
        if self.trigger == "equity_negative":
            return jnp.zeros_like(fund.left)
        pays = fund.left > _NOTHING
        if self.trigger == "drawdown":
            pays = pays & ~fund.is_on
        return pays.astype(fund.left.dtype)

    def _worse(self, wave: Wave) -> Array:
        """How far beyond the price now the bankrupt positions' own price lies, on average."""
        if self.price != "bankruptcy":
            return jnp.zeros_like(wave.loss)
        return jnp.minimum(wave.loss / jnp.maximum(wave.bankrupt, np.float32(1e-30)), np.float32(0.99))
