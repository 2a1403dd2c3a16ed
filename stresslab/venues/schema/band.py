"""Bounds of tradable prices, and what happens to an order beyond them."""

from typing import Annotated, Literal

from pydantic import Field

from stresslab.venues.schema.base import Duration, Fraction, NotEmpty, NotNegative, Section

Action = Literal["reject", "expire", "pause"]


class NoBand(Section):
    """No bounds, or none known."""

    kind: Literal["none"]


class AroundMark(Section):
    """mark (1 - down) to mark (1 + up)."""

    kind: Literal["around_mark"]
    up: Fraction
    down: Fraction
    action: Action


class IndexPremium(Section):
    """min(max(index, index (1 + y) + premium), index (1 + z)), mirrored below; index (1 +- x) when new (OKX)."""

    kind: Literal["index_premium"]
    x: Fraction
    y: Fraction
    z: Fraction
    premium_window: Duration = Field(description="of the mean of (mid - index)")
    action: Action


class MarkPremium(Section):
    """min(mark (1 + y), max(index, mark (1 + x) + alpha max(0, premium))), mirrored below (Bybit since 2026-05-26)."""

    kind: Literal["mark_premium"]
    x: Fraction
    y: Fraction
    alpha: NotNegative
    premium_window: Duration = Field(description="of the mean of (mid - mark)")
    action: Action


class Steps(Section):
    """Moves from the last settlement that pause trading, one after another; the last one is hard (CME)."""

    kind: Literal["last_settle"]
    limits: Annotated[tuple[Fraction, ...], Field(strict=False), NotEmpty]
    pause: Duration
    action: Action


Band = Annotated[NoBand | AroundMark | IndexPremium | MarkPremium | Steps, Field(discriminator="kind")]
