"""Stages of a ladder in natural units: what of each position is closed first, found by trying.

Each answers with a share for every position, or nothing where it does not apply; and whether a backstop takes it all.
"""

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from helpers.account_twin.account import Account
from helpers.account_twin.path import Prices

from stresslab.accounts.stages.backstop import Backstop, BackstopNumbers
from stresslab.accounts.stages.close_fraction import CloseFraction, CloseFractionNumbers
from stresslab.accounts.stages.cover_shortage import CoverShortage, CoverShortageNumbers
from stresslab.accounts.stages.incremental import Incremental, IncrementalNumbers
from stresslab.accounts.stages.reduce_tiers import ReduceTiers


class Asked(NamedTuple):
    shares: list[float]
    taken: bool = False


def excess_after(account: Account, prices: Prices, step: int, shares: list[float], buffer: float = 0.0) -> float:
    """Of a copy that has closed these shares and paid for it, less a buffer on the notional that it keeps."""
    sizes, wallet, kept = [p.size for p in account.positions], account.wallet, 0.0
    for p, share in zip(account.positions, shares, strict=True):
        fill = p.price(prices, step) * (1 - p.side * p.slippage)
        closed = share * p.size
        account.wallet += p.profit(fill, closed) - (p.taker + p.liquidation_fee) * p.notional(fill, closed)
        p.size -= closed
        kept += p.notional(p.price(prices, step))
    excess = account.excess(prices, step) - buffer * kept
    account.wallet = wallet
    for p, size in zip(account.positions, sizes, strict=True):
        p.size = size
    return excess


def restoring_share(account: Account, prices: Prices, step: int, buffer: float = 0.0) -> float:
    """The least share of all positions that is enough: bisection after a look at every hundredth."""

    def enough(share: float) -> bool:
        return excess_after(account, prices, step, [share] * len(account.positions), buffer) >= 0

    if excess_after(account, prices, step, [1e-6] * len(account.positions), buffer) < excess_after(
        account, prices, step, [0.0] * len(account.positions), buffer
    ):
        return 1.0  # fees eat what is freed
    high = next((k / 100 for k in range(101) if enough(k / 100)), None)
    if high is None:
        return 1.0
    low = max(high - 0.01, 0.0)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@dataclass
class Cover:
    buffer: float
    form = CoverShortage()

    def numbers(self, scale: float) -> Any:
        return CoverShortageNumbers(np.array(self.buffer))

    def ask(self, account: Account, prices: Prices, step: int) -> Asked:
        return Asked([restoring_share(account, prices, step, self.buffer)] * len(account.positions))


@dataclass
class Rounds:
    """A fraction a round, so many rounds in a step."""

    fraction: float
    rounds: int
    form = Incremental()

    def numbers(self, scale: float) -> Any:
        return IncrementalNumbers(np.array(self.fraction), np.array(float(self.rounds)))

    def ask(self, account: Account, prices: Prices, step: int) -> Asked:
        left = 1.0
        for _ in range(self.rounds):
            left *= 1 - self.fraction
        return Asked([min(restoring_share(account, prices, step), 1 - left)] * len(account.positions))


@dataclass
class Vault:
    """A backstop that takes over what is below a share of its requirement."""

    below: float
    form = Backstop()

    def numbers(self, scale: float) -> Any:
        return BackstopNumbers(np.array(self.below))

    def ask(self, account: Account, prices: Prices, step: int) -> Asked | None:
        applies = account.equity(prices, step) < self.below * account.requirement(prices, step)
        return Asked([1.0] * len(account.positions), taken=True) if applies else None


@dataclass
class Fraction:
    """A fraction of what is large; in the cooldown nothing, at its end all."""

    fraction: float
    above: float
    cooldown: int
    last: int | None = field(default=None)
    form = CloseFraction()

    def numbers(self, scale: float) -> Any:
        return CloseFractionNumbers(
            np.array(self.fraction), np.array(self.above / scale), np.array(self.cooldown, np.int32)
        )

    def ask(self, account: Account, prices: Prices, step: int) -> Asked | None:
        large = [p.notional(p.price(prices, step)) > self.above for p in account.positions]
        since = math.inf if self.last is None else step - self.last
        if not any(large) or since == self.cooldown:
            return None
        is_first = since > self.cooldown
        if is_first:
            self.last = step
        return Asked([(self.fraction if is_first else 0.0) if one else 1.0 for one in large])


@dataclass
class Down:
    """To the cap of a lower tier, again and again until it is enough. One position only."""

    tiers: int
    from_tier: int
    covers_first: bool

    @property
    def form(self) -> ReduceTiers:
        return ReduceTiers(self.tiers, self.from_tier, self.covers_first)

    def numbers(self, scale: float) -> Any:
        return ()

    def ask(self, account: Account, prices: Prices, step: int) -> Asked | None:
        (p,) = account.positions
        price, caps = p.price(prices, step), [tier.cap for tier in p.demand.tiers]
        held = p.notional(price)
        if self.covers_first and account.equity(prices, step) <= p.demand.tiers[0].mmr * held:
            return None
        measure = held if p.demand.by == "notional" else abs(p.size)
        tier = 1 + sum(measure > cap for cap in caps)
        while tier >= self.from_tier:
            tier -= self.tiers
            share = 1 - (1 - 1e-6) * (caps[tier - 1] if tier >= 1 else 0.0) / measure  # just below the cap
            left = excess_after(account, prices, step, [share])
            if left > 0 or (account.strict and left == 0):
                return Asked([share])
        return None
