"""What a position requires, in plain Python from the YAML's own keys: the twin of the vectorised margin answers."""

import math
from typing import Any

from stresslab.venues import Rulebook

SIGN = {"long": 1, "short": -1}


def data_of(book: Rulebook) -> dict[str, Any]:
    return book.model_dump(mode="json")


def notional(rules: dict[str, Any], quantity: float, price: float) -> float:
    kind = rules["contract"]["kind"]
    if kind == "inverse":
        return quantity / price
    return quantity * price * (rules["contract"]["multiplier"] if kind == "quanto" else 1.0)


def pnl(rules: dict[str, Any], side: str, quantity: float, entry: float, price: float) -> float:
    gain = notional(rules, quantity, price) - notional(rules, quantity, entry)
    return SIGN[side] * (-gain if rules["contract"]["kind"] == "inverse" else gain)


def size(rules: dict[str, Any], quantity: float, price: float) -> float:
    """In the unit of the tiers."""
    unit, kind = rules["requirement"]["tier_unit"], rules["contract"]["kind"]
    if unit == "contracts":
        return quantity if kind == "quanto" else quantity / rules["contract"]["face"]
    own = {"linear": "base", "inverse": "quote", "quanto": "contracts"}[kind]
    return quantity if unit == own else notional(rules, quantity, price)


def rate(requirement: dict[str, Any], z: float) -> tuple[float, float]:
    """Rate of the notional, and the maintenance amount in the unit of the tiers."""
    shape = requirement["shape"]
    if shape == "affine":
        return min(requirement["mmr0"] + requirement["mmr_per_base"] * z, requirement["mmr_limit"] or math.inf), 0.0
    if shape == "sqrt":
        base = requirement["base_maintenance"]
        grown = requirement["size_factor_base"] * base + requirement["size_factor"] * math.sqrt(z)
        return max(base, grown), 0.0
    tiers = list(requirement["tiers"])
    more = requirement.get("open_ended")
    while more and tiers[-1]["imr"] + more["imr_step"] <= 1 and tiers[-1]["cap"] < (more["last_cap"] or math.inf):
        last = tiers[-1]
        steps = {"cap": more["step"], "mmr": more["mmr_step"], "imr": more["imr_step"]}
        tiers.append({key: last[key] + step for key, step in steps.items()})
    tier = next((tier for tier in tiers if tier["cap"] is None or z <= tier["cap"]), tiers[-1])
    return tier["mmr"], tier.get("cum", 0.0)


def required(
    rules: dict[str, Any],
    side: str,
    entry: float,
    quantity: float,
    margin: float,
    price: float,
    leverage_set: float | None = None,
    funding_rate: float = 0.0,
) -> float:
    """Maintenance margin at `price` with the closing fee that belongs to it."""
    requirement = rules["requirement"]
    own = requirement["close_fee_rate"]
    fee = rules["fees"]["taker"] if own is None else own
    frozen = requirement["basis"] == "entry"
    at = entry if frozen else price
    value = notional(rules, quantity, at)
    z = size(rules, quantity, at)
    mmr, cum = rate(requirement, z)
    wanted = value * mmr - cum * value / z
    if requirement["include_close_fee"] == "on_notional":
        wanted += fee * value
    elif requirement["include_close_fee"] == "on_entry_and_margin":
        at_entry = notional(rules, quantity, entry)
        wanted += fee * (at_entry + (at_entry / leverage_set if leverage_set else margin))
    elif requirement["include_close_fee"] == "at_bankruptcy" and leverage_set:
        lost = lost_at(rules, side, entry, leverage_set)
        wanted += fee * notional(rules, quantity, lost)
    elif requirement["include_close_fee"] == "at_bankruptcy":
        wanted += fee * notional(rules, quantity, bankruptcy(rules, side, entry, quantity, margin, fee))
    if requirement["with_funding"] and funding_rate > 0:
        wanted += funding_rate * notional(rules, quantity, entry)
    if requirement["rounded_up_to"]:
        unit = requirement["rounded_up_to"]
        wanted = math.ceil(wanted / unit - 1e-6) * unit
    return wanted


def lost_at(rules: dict[str, Any], side: str, entry: float, leverage: float) -> float:
    """The price at which a margin of the entry notional over the leverage is lost; money of a contract is what it is
    of one at its entry.
    """
    if rules["contract"]["kind"] == "inverse":
        return entry / (1 + SIGN[side] / leverage)
    return entry * (1 - SIGN[side] / leverage)


def bankruptcy(rules: dict[str, Any], side: str, entry: float, quantity: float, margin: float, fee: float) -> float:
    """The price at which margin and PnL leave just the fee to close there, by bisection (1e12 where there is none)."""
    low, high = 1e-12, 1e12

    def left(price: float) -> float:
        return margin + pnl(rules, side, quantity, entry, price) - fee * notional(rules, quantity, price)

    rising = side == "long"
    for _ in range(200):
        middle = math.sqrt(low * high)
        if (left(middle) > 0) == rising:
            high = middle
        else:
            low = middle
    return math.sqrt(low * high)


def is_liquidated(rules: dict[str, Any], side: str, entry: float, quantity: float, margin: float, price: float) -> bool:
    left = margin + pnl(rules, side, quantity, entry, price)
    wanted = required(rules, side, entry, quantity, margin, price)
    return left < wanted if rules["requirement"]["compare"] == "lt" else left <= wanted
