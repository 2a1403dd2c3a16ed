"""Stops that cannot act before the liquidation, because their level lies beyond the liquidation price."""

import math
from typing import NamedTuple

from stresslab.config.account_price import account_price
from stresslab.config.build import BookFacts
from stresslab.config.general_book import GeneralBook, places
from stresslab.config.held import Account, Held
from stresslab.config.policy_base import PolicyPart
from stresslab.config.policy_kinds import StopLoss, TrailingStop
from stresslab.venues.margin import bankruptcy_price

_DIGITS = 4  # significant digits of a suggested distance


class _Late(NamedTuple):
    """A stop and the liquidation price of its position, quote currency."""

    level: float
    liquidation: float
    leg: Held
    account: Account

    @property
    def is_late(self) -> bool:
        # a comparison with NaN, where there is no liquidation price, is false
        return self.liquidation > 0 and self.leg.sign * (self.level - self.liquidation) <= 0


class LateStop(NamedTuple):
    """The key of a stop, the reason why it cannot act, and the next move."""

    key: str
    rule: str
    hint: str


def late_stops(book: BookFacts | GeneralBook) -> list[LateStop]:
    """Stop-losses and trailing stops whose level lies beyond the liquidation price.

    Books without one liquidation price per position are skipped, and so are books with another policy that moves it by
    adding margin or changing the size.
    """
    if isinstance(book, BookFacts) or not all(policy.closes_whole or _is_stop(policy) for policy in book.policies):
        return []
    found = [_late_stop(book, place, policy) for place, policy in enumerate(book.policies) if _is_stop(policy)]
    return [one for one in found if one is not None]


def _is_stop(policy: PolicyPart) -> bool:
    return isinstance(policy, StopLoss | TrailingStop)


def _late_stop(book: GeneralBook, place: int, policy: PolicyPart) -> LateStop | None:
    number, leg = places(book.accounts)[policy.position]
    account = book.accounts[number]
    held = account.legs[leg]
    liquidation = account_price(account, "liquidation_price")
    late = _Late(_level(policy, held, account), liquidation, held, account)
    if not late.is_late or not math.isfinite(liquidation):
        return None
    key, of = f"{_listed(book)}[{place}]", f"position {policy.position} ({held.side} on {held.rulebook.id})"
    if isinstance(policy, StopLoss):
        why, move = _stop_message(policy, late)
        return LateStop(key, f"the stop-loss of {of} {why}", f"{move}, or lower the leverage")
    assert isinstance(policy, TrailingStop)
    why, move = _trailing_message(policy, late)
    return LateStop(key, f"the trailing stop of {of} {why}", f"{move}, or lower the leverage")


def _listed(book: GeneralBook) -> str:
    """The key of the list of policies."""
    named = book.cell.book.policies if book.cell is not None else None
    return f"policies.{named}" if isinstance(named, str) else "book.policies"


def _level(policy: PolicyPart, leg: Held, account: Account) -> float:
    if isinstance(policy, TrailingStop):
        return (policy.best or leg.spot) * (1 - leg.sign * policy.distance)
    assert isinstance(policy, StopLoss)
    if policy.price is not None:
        return policy.price
    if policy.distance is not None:
        return leg.entry * (1 - leg.sign * policy.distance)
    return _at_loss(leg, (policy.of_margin or 0.0) * account.margin)


def _at_loss(leg: Held, loss: float) -> float:
    """The price at which the loss since entry reaches this amount (settlement currency)."""
    if leg.rulebook.contract.kind == "inverse":
        return float(bankruptcy_price(leg.side, leg.entry, leg.quantity, loss, contract="inverse"))
    return float(bankruptcy_price(leg.side, leg.entry, abs(leg.unit) / leg.spot, loss))


def _stop_message(policy: StopLoss, late: _Late) -> tuple[str, str]:
    leg, beyond = late.leg, f"beyond the liquidation price of {late.liquidation:,.2f}"
    if policy.price is not None:
        way = "above" if leg.side == "long" else "below"
        move = f"Set price {way} {late.liquidation:,.2f}"
    elif policy.distance is not None:
        move = f"Set distance below {_down(leg.sign * (1 - late.liquidation / leg.entry))}"
    else:
        move = f"Set of_margin below {_down(-_pnl(leg, late.liquidation) / late.account.margin)}"
    level = f"{late.level:,.2f}"
    return f"acts at {level}, {beyond}: the position is liquidated before it can act", move


def _trailing_message(policy: TrailingStop, late: _Late) -> tuple[str, str]:
    leg = late.leg
    best = policy.best or leg.spot
    reached = late.liquidation / (1 - leg.sign * policy.distance)
    far = _down(leg.sign * (1 - late.liquidation / best))
    way = "risen" if leg.side == "long" else "fallen"
    why = (
        f"stands at {late.level:,.2f}, beyond the liquidation price of {late.liquidation:,.2f}: it cannot act before "
        f"the liquidation until the price has {way} to {reached:,.2f}"
    )
    return why, f"Set distance below {far}"


def _pnl(leg: Held, price: float) -> float:
    return float(leg.rulebook.equity(leg.side, leg.entry, leg.quantity, 0.0, price))


def _down(value: float) -> str:
    """The value rounded towards zero, so that the suggested distance is on the safe side."""
    scale = 10.0**_DIGITS
    return f"{math.floor(value * scale) / scale:g}"
