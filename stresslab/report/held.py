"""The book in words: what is held, how its holder acts on it, and what the venue does; of books that are not plain."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import xarray as xr

from stresslab.report import words

Fields = dict[str, Any]


class Held(NamedTuple):
    """Sentences; policies by the name of their set."""

    positions: list[str]
    policies: list[tuple[str, list[str]]]
    venue: list[str]


def held(ds: xr.Dataset) -> Held | None:
    """None for a plain book: one isolated position that is left alone, which the heading says."""
    study = json.loads(ds.attrs["study"])
    book, venue = study["book"], study.get("venue")
    sets = study.get("policies") or {}
    own = book.get("policies")
    alone = not book.get("positions") and not book.get("collaterals") and not book.get("reserve")
    plain = alone and book.get("margin_mode") == "isolated"
    if plain and not sets and not own and not venue:
        return None
    policies = [(name, _policies(listed)) for name, listed in sets.items()]
    if isinstance(own, list):
        policies = [("", _policies(own))]
    swept = json.loads(ds.attrs.get("swept", "[]"))
    marked = ["Values that the study sweeps are those of each cell."] if swept else []
    return Held([*_positions(study, book), *marked], policies, _venue(venue or {}))


def _positions(study: Fields, book: Fields) -> list[str]:
    market = study["market"]
    shared = {"isolated": "each with a margin of its own", "cross": "on one balance", "portfolio": "in one portfolio"}
    positions = book.get("positions")
    found = [_position(one, book, market) for one in positions] if positions else [_position(book, book, market)]
    mode = book.get("margin_mode", "isolated")
    found.append(f"Margin: {mode}" + (f", {shared[mode]}" if positions and len(positions) > 1 else ""))
    if book.get("collateral") is not None:
        found.append(f"Cash behind it: {words.quantity(book['collateral'])}")
    for asset in book.get("collaterals") or []:
        found.append(f"Collateral: {_backing(asset)}")
    if book.get("reserve"):
        found.append(f"Reserve beside it: {words.quantity(book['reserve'])}")
    return found


def _backing(asset: Fields) -> str:
    cut = f", haircut {words.share(asset['haircut'])}" if asset.get("haircut") is not None else ""
    return f"{words.quantity(asset['amount'])} {asset['asset']}{cut}"


def _position(one: Fields, book: Fields, market: Fields) -> str:
    sizes = {"leverage": "{} times its collateral", "notional": "notional {}", "quantity": "quantity {}"}
    size = next((text.format(words.quantity(one[name])) for name, text in sizes.items() if one.get(name)), "")
    asset, rulebook = one.get("asset") or market["asset"], one.get("rulebook") or book["rulebook"]
    parts = [f"{one['side']} {asset} on {rulebook}", size]
    if one.get("collateral") is not None and one is not book:
        parts.append(f"margin {words.quantity(one['collateral'])}")
    if one.get("margin_with_pnl") is not None:
        parts.append(f"margin {words.quantity(one['margin_with_pnl'])} with its unrealised PnL")
    if one is not book:
        parts += [f"backed by {_backing(asset)}" for asset in one.get("collaterals") or []]
    if one.get("entry_price") is not None:
        parts.append(f"opened at {words.quantity(one['entry_price'])}")
    if one.get("option"):
        parts = [f"{one['side']} {words.quantity(one['quantity'])} {asset} {one['option']}s on {rulebook}"]
        parts.append(f"struck at {words.quantity(one['strike'])}")
    if one.get("expiry"):
        parts.append(f"expires {one['expiry']}")
    text = ", ".join(part for part in parts if part)
    return text[0].upper() + text[1:]


def _policies(listed: list[Fields]) -> list[str]:
    several = any(policy.get("position") for policy in listed)
    found = []
    for policy in listed:
        say = _POLICIES.get(policy["kind"], _plainly)
        where = f" (position {policy.get('position', 0)})" if several else ""
        found.append(say(policy) + where)
    return found or ["Nothing is done."]


def _level(policy: Fields) -> str:
    if policy.get("price") is not None:
        return f"at {words.quantity(policy['price'])}"
    if policy.get("distance") is not None:
        return f"{words.share(policy['distance'])} from entry"
    return f"at {words.share(policy['of_margin'])} of the margin"


def _part(policy: Fields) -> str:
    share = policy.get("share", 1.0)
    return "all" if share == 1 else words.share(share)


def _stop(policy: Fields) -> str:
    order = f"{policy.get('order', 'market')} order on {policy.get('on', 'mark')}"
    late = f", {policy['latency']} late" if policy.get("latency") else ""
    return f"Stop-loss {_level(policy)}: {_part(policy)} by {order}{late}"


def _profit(policy: Fields) -> str:
    return f"Take-profit {_level(policy)}: {_part(policy)} by {policy.get('order', 'limit')} order"


def _ratios(policy: Fields) -> str:
    what = {"margin_top_up": "Top-up from the reserve", "deleverage": "Positions reduced"}[policy["kind"]]
    trigger, target = (words.quantity(policy[name]) for name in ("trigger", "target"))
    return f"{what} when equity is below {trigger} times the maintenance margin, back to {target} times"


def _constant(policy: Fields) -> str:
    leverage = f"{words.quantity(policy['leverage'])} times" if policy.get("leverage") else "that of the start"
    when = (
        f"every {policy['interval']}" if policy.get("interval") else f"outside a band of {words.share(policy['band'])}"
    )
    return f"Leverage traded back to {leverage}, {when}"


def _again(policy: Fields) -> str:
    wait = f" after {policy['wait']}" if policy.get("wait") else ""
    floor = f", until wealth is below {words.share(policy['floor'])} of the start" if policy.get("floor") else ""
    return f"Opened again{wait} when it was closed{floor}"


def _delta(policy: Fields) -> str:
    band = words.quantity(policy["band"]) if policy.get("band") else ""
    when = f"every {policy['interval']}" if policy.get("interval") else f"when it is off by more than {band}"
    part = "" if policy.get("ratio", 1.0) == 1 else f"{words.share(policy['ratio'])} of the "
    return f"Delta hedge {when}: against {part or 'the '}delta of all else, up to {_times(policy)} leverage"


def _times(policy: Fields) -> str:
    return f"{words.quantity(policy.get('max_leverage', 10.0))} times"


def _plainly(policy: Fields) -> str:
    rest = ", ".join(f"{words.title(key)} {value}" for key, value in policy.items() if key not in ("kind", "position"))
    return f"{words.title(policy['kind'])}: {rest}" if rest else words.title(policy["kind"])


_POLICIES: dict[str, Callable[[Fields], str]] = {
    "stop_loss": _stop,
    "take_profit": _profit,
    "trailing_stop": lambda policy: f"Trailing stop {words.share(policy['distance'])} from the best price",
    "margin_top_up": _ratios,
    "deleverage": _ratios,
    "constant_leverage": _constant,
    "delta_hedge": _delta,
    "re_entry": _again,
}
_HAZARD = "{} times a year in a calm market"
_TITLES = {
    "outage": "Outage: the holder cannot act",
    "stale_oracle": "Stale oracle: the mark stands still",
    "default": "Default of the venue",
    "halt": "Trading halts",
    "band": "Price band",
    "basis": "Last and mark beside the index",
    "latency": "Orders are filled late",
    "own_book": "A collateral priced off the venue's own book",
    "waterfall": "Losses of the whole market",
    "depth": "Order book",
}


def _venue(venue: Fields) -> list[str]:
    found = []
    for name, block in venue.items():
        if isinstance(block, dict):
            rest = dict(block)
            often = [_HAZARD.format(words.quantity(rest.pop("per_year")))] if "per_year" in rest else []
            parts = often + [f"{words.title(key)} {_value(value)}" for key, value in rest.items()]
            found.append(f"{_TITLES.get(name, words.title(name))}: {', '.join(parts)}")
        else:
            found.append(f"{words.title(name)}: {_value(block)}")
    return found


def _value(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_value(one) for one in value)
    return words.quantity(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
