"""Random books, one kind for each form, in natural units. Spots are 100 and 20; a book weighs about 1000."""

import math
from collections.abc import Callable

import numpy as np
from helpers.account_twin.account import Account, Collateral
from helpers.account_twin.book import Book
from helpers.account_twin.policies import Lower, Profit, Stop, TopUp
from helpers.account_twin.position import Demand, Position, Tier
from helpers.account_twin.stages import Cover, Down, Fraction, Rounds, Vault

SPOTS = (100.0, 20.0)
LEVELS = (0.3, 0.6, 0.95)
Random = np.random.Generator
Draw = Callable[[Random], Book]


def demand(rng: Random, shape: str = "marginal", by: str = "notional", usual: float = 1000.0, **more: str) -> Demand:
    """Three tiers around the usual notional or size; rates rise, by up to 2 % at the usual measure."""
    rates = np.sort(rng.uniform(0.004, 0.05, 3))
    caps = rng.uniform(0.5, 1.0) * usual, rng.uniform(1.05, 1.5) * usual, math.inf
    tiers = tuple(Tier(float(cap), float(rate)) for cap, rate in zip(caps, rates, strict=True))
    growth = rng.uniform(0, 0.02) / (usual if shape == "affine" else math.sqrt(usual))
    return Demand(shape, tiers, float(rates[0]), float(growth), by, **more)


def position(
    rng: Random, asset: int, contract: str, asked: Demand, weight: float = 1.0, side: float | None = None, **more: float
) -> Position:
    """Worth 1000 at spot times a weight, entered near spot."""
    spot = SPOTS[asset]
    worth = 1000 * weight * rng.uniform(0.6, 1.4) * (rng.choice([-1.0, 1.0]) if side is None else side)
    multiplier = 0.01 if contract == "quanto" else 1.0
    size = worth * spot if contract == "inverse" else worth / (spot * multiplier)
    fees = {"taker": rng.choice([0.0, 0.001]), "liquidation_fee": rng.choice([0.0, 0.006])}
    return Position(
        asset,
        contract,
        float(size),
        float(spot * rng.uniform(0.97, 1.03)),
        asked,
        multiplier,
        slippage=float(rng.choice([0.0, 0.004])),
        **{name: float(value) for name, value in fees.items()},
        **more,
    )


def account(rng: Random, *held: Position, margin: float = 0.1, **more: object) -> Account:
    """Equity at spot: a share of what is held, give or take a half."""
    weight = sum(p.notional(SPOTS[p.asset]) for p in held)
    profit = sum(p.profit(SPOTS[p.asset]) for p in held)
    wallet = weight * margin * rng.uniform(0.5, 1.5) - profit
    return Account(float(wallet), list(held), residual_to_customer=bool(rng.random() < 0.5), **more)


def book(rng: Random, *accounts: Account, assets: int = 1, parts: int = 4, reserve: float = 0.0) -> Book:
    fee = float(rng.choice([0.0, 1.0]))
    outside = float(rng.choice([0.0, 0.5])) * fee
    return Book(
        list(accounts), SPOTS[:assets], reserve, fee, outside, LEVELS, parts, scale=float(rng.choice([1.0, 1e3]))
    )


def alone(contract: str, shape: str = "marginal", by: str = "notional", strict: bool = False, **more: str) -> Draw:
    """One isolated position."""

    def draw(rng: Random) -> Book:
        usual = 1000.0 if by == "notional" else {"linear": 10.0, "inverse": 1e5, "quanto": 1e3}[contract]
        held = position(rng, 0, contract, demand(rng, shape, by, usual, **more))
        parts = 40 if (shape, by) == ("flat", "notional") else 4
        return book(rng, account(rng, held, strict=strict), parts=parts)

    return draw


def future_and_perpetual(rng: Random) -> Book:
    """A basis trade in one account; the larger side counts."""
    side = rng.choice([-1.0, 1.0])
    dated = {"log_basis": float(rng.uniform(-0.002, 0.002)), "expiry": int(rng.integers(2, 9))}
    held = (
        position(rng, 0, "linear", demand(rng), side=side, **dated),
        position(rng, 0, "linear", demand(rng), side=-side),
    )
    return book(rng, account(rng, *held, margin=0.04, netting="max_leg"))


def inverse_future(rng: Random) -> Book:
    dated = {"log_basis": float(rng.uniform(-0.002, 0.002)), "expiry": int(rng.integers(2, 9))}
    return book(rng, account(rng, position(rng, 0, "inverse", demand(rng), **dated)))


def coin_backed_short(rng: Random) -> Book:
    """The coin itself as margin of a position in it."""
    held = position(rng, 0, "linear", demand(rng))
    coins = Collateral(0, float(rng.uniform(0.2, 1.2)), float(rng.uniform(0, 0.3)))
    return book(rng, account(rng, held, margin=0.03, collaterals=[coins]))


def two_assets(netting: str) -> Draw:
    """Cross margin: three positions on two assets."""

    def draw(rng: Random) -> Book:
        held = [position(rng, asset, "linear", demand(rng)) for asset in (0, 1, 1)]
        return book(rng, account(rng, *held, margin=0.05, netting=netting), assets=2)

    return draw


def mixed_with_collateral(rng: Random) -> Book:
    """A linear and a quanto position backed by another asset."""
    held = position(rng, 0, "linear", demand(rng, "flat", "size", 10.0)), position(rng, 1, "quanto", demand(rng))
    coins = Collateral(1, float(rng.uniform(1, 6)), float(rng.uniform(0, 0.3)))
    return book(rng, account(rng, *held, margin=0.04, collaterals=[coins]), assets=2)


def hedge_beside(rng: Random) -> Book:
    """A position and its hedge in two isolated accounts, with cash beside."""
    one = account(rng, position(rng, 0, "linear", demand(rng), side=1.0), margin=0.15)
    other = account(rng, position(rng, 0, "linear", demand(rng), side=-1.0), margin=0.15)
    return book(rng, one, other, reserve=float(rng.uniform(0, 100)))


def cross_and_isolated(rng: Random) -> Book:
    """A cross account of two assets and an isolated one."""
    cross = account(rng, *(position(rng, asset, "linear", demand(rng)) for asset in (0, 1)), margin=0.06)
    return book(rng, cross, account(rng, position(rng, 1, "inverse", demand(rng))), assets=2)


def staged(draw: Draw, *stages: Callable[[Random], object]) -> Draw:
    """The same books at a venue that closes a part first."""

    def drawn(rng: Random) -> Book:
        book = draw(rng)
        for one in book.accounts:
            one.stages = [stage(rng) for stage in stages]
        return book

    return drawn


def cover(rng: Random) -> Cover:
    return Cover(float(rng.uniform(0.002, 0.02)))


def some_rounds(rng: Random) -> Rounds:
    return Rounds(float(rng.uniform(0.05, 0.3)), int(rng.integers(1, 4)))


def vault(rng: Random) -> Vault:
    return Vault(float(rng.uniform(0.5, 0.9)))


def a_fraction(rng: Random) -> Fraction:
    return Fraction(float(rng.uniform(0.1, 0.5)), float(rng.uniform(300, 1200)), int(rng.integers(0, 4)))


def stopped(contract: str) -> Draw:
    """With a stop and a profit to be taken; some stops lie beyond the liquidation price."""

    def draw(rng: Random) -> Book:
        book = alone(contract)(rng)
        side = book.accounts[0].positions[0].side
        stop, profit = rng.uniform(0.01, 0.12), rng.uniform(0.01, 0.08)
        book.policies = [Stop(float(SPOTS[0] * (1 - side * stop))), Profit(float(SPOTS[0] * (1 + side * profit)))]
        return book

    return draw


def looked_after(rng: Random) -> Book:
    """Topped up from a reserve, then cut back."""
    drawn = alone("linear")(rng)
    trigger = float(rng.uniform(1.2, 2.5))
    policies = [TopUp(trigger, trigger + 0.5, int(rng.integers(1, 4))), Lower(trigger - 0.2, trigger + 0.3)]
    reserve = float(rng.uniform(5, 30))
    return Book(drawn.accounts, drawn.spots, reserve, loss_levels=LEVELS, scale=drawn.scale, policies=policies)


KINDS: dict[str, Draw] = {
    "linear": alone("linear", close_fee="on_notional"),
    "inverse": alone("inverse", strict=True),
    "quanto, flat by size": alone("quanto", "flat", "size"),
    "linear, flat by notional": alone("linear", "flat"),
    "affine": alone("linear", "affine", "size"),
    "inverse, affine by notional": alone("inverse", "affine"),
    "inverse, root": alone("inverse", "sqrt", "size"),
    "root by notional": alone("linear", "sqrt"),
    "frozen at entry": alone("linear", basis="entry"),
    "fee at bankruptcy": alone("linear", close_fee="at_bankruptcy"),
    "inverse, fee at bankruptcy": alone("inverse", close_fee="at_bankruptcy"),
    "future and perpetual": future_and_perpetual,
    "inverse future": inverse_future,
    "coin-backed": coin_backed_short,
    "two assets": two_assets("none"),
    "two assets netted": two_assets("max_leg"),
    "mixed with collateral": mixed_with_collateral,
    "hedge beside": hedge_beside,
    "cross and isolated": cross_and_isolated,
    "stop and profit": stopped("linear"),
    "stop and profit, inverse": stopped("inverse"),
    "topped up and cut back": looked_after,
    "tiers down": staged(alone("quanto", "flat", "size"), lambda rng: Down(2, 3, True)),
    "to the tier that passes": staged(alone("linear"), lambda rng: Down(1, 2, False)),
    "cover the shortage": staged(alone("linear"), cover),
    "cover the shortage, two assets": staged(two_assets("none"), cover),
    "in rounds": staged(alone("linear", "affine", "size"), some_rounds),
    "backstop, then a fraction": staged(alone("linear"), vault, a_fraction),
    "a fraction of both sides": staged(future_and_perpetual, a_fraction),
}
