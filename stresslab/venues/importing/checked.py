"""The tiers of a file in order, with the maintenance amounts that follow from them; each fault with key and row."""

import math
from collections.abc import Sequence

from stresslab.errors import InputError, require
from stresslab.venues.importing.tables import Tier, TierTable

ROUNDING = 1e-6  # of the floor: what a venue's maintenance amount may be off
DIGITS = 12  # of an amount: far more than a venue writes


def in_order(table: TierTable) -> tuple[Tier, ...]:
    """The tiers from the lowest up, each with its floor; InputError for a gap, an overlap or rates that fall."""
    found: list[Tier] = []
    for tier in sorted(table.tiers, key=lambda tier: tier.cap):
        before = found[-1] if found else None
        found.append(_placed(tier, before, table.lot))
        _check_rates(found[-1], before)
    require(len(found) > 0, "has no tiers", key=table.contract.symbol)
    return tuple(found)


def _placed(tier: Tier, before: Tier | None, lot: float) -> Tier:
    begin = before.cap if before else 0.0
    floor = begin if tier.floor is None else tier.floor
    rule = f"must be where the tier before it ends, {begin:.12g}: tiers have no gap and no overlap"
    follows = begin <= floor <= begin + lot or math.isclose(floor, begin, rel_tol=1e-9, abs_tol=1e-9)
    require(follows, rule, key=f"{tier.at}.{tier.keys.floor}", got=floor)
    rule = f"must be above the size at which the tier begins, {begin:.12g}"
    require(tier.cap > begin, rule, key=f"{tier.at}.{tier.keys.cap}", got=tier.cap)
    return tier._replace(floor=begin)


def _check_rates(tier: Tier, before: Tier | None) -> None:
    key = f"{tier.at}.{tier.keys.mmr}"
    require(0 < tier.mmr < 1, "must be above 0 and below 1", key=key, got=tier.mmr)
    rule = f"must not be above the initial rate of the tier, {tier.imr:.6g}"
    require(tier.mmr <= tier.imr, rule, key=key, got=tier.mmr)
    if before is None:
        return
    rule = f"must not be below the rate of the tier before it, {before.mmr:.6g}"
    require(tier.mmr >= before.mmr, rule, key=key, got=tier.mmr)
    key = f"{tier.at}.{tier.keys.initial}"
    rule = f"must not allow more leverage than the tier before it, {1 / before.imr:.6g}"
    require(tier.imr >= before.imr, rule, key=key, got=f"leverage {1 / tier.imr:.6g}")


def amounts(tiers: Sequence[Tier]) -> list[float]:
    """Maintenance amounts that make the requirement continuous; InputError where the file has others.

    A file that has them for some tiers only is damaged; one without any leaves them to be derived.
    """
    found, before = [0.0], tiers[0]
    for tier in tiers[1:]:
        amount = found[-1] + before.cap * (tier.mmr - before.mmr)
        found.append(float(f"{amount:.{DIGITS}g}"))  # 75, where the sum of rounded products is 74.99999999999999
        before = tier
    has_any = any(tier.cum is not None for tier in tiers[1:])
    for place, (tier, amount) in enumerate(zip(tiers, found, strict=True)):
        key = f"{tier.at}.{tier.keys.cum}"
        is_there = tier.cum is not None or not has_any or place == 0
        require(is_there, "this key is required and is missing", key=key)
        off = 0.0 if tier.cum is None else abs(tier.cum - amount)
        rule = f"must be {amount:.12g}, the amount before + floor x (rate - rate before)"
        require(off <= ROUNDING * (tier.floor or 0.0), rule, key=key, got=tier.cum)
    return found


def check_without_amounts(tiers: Sequence[Tier]) -> None:
    """InputError for a maintenance amount in tiers whose rate is on the whole position."""
    for tier in tiers:
        if tier.cum:
            rule = "is the maintenance amount of marginal tiers, and at this date the venue's tiers are flat"
            raise InputError(rule, key=f"{tier.at}.{tier.keys.cum}", got=tier.cum)
