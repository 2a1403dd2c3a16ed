"""What every policy of a study is: a block about one position, and that position in the units of the engine."""

import math
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from stresslab.config.fields import Count, Part
from stresslab.units import parse_duration


class Standing(NamedTuple):
    """The position that a policy is about, in the units of the engine."""

    account: int
    leg: int
    spot: float  # quote currency
    entry: float  # relative to spot
    margin: float  # cash that backs the account, relative to the book's scale
    leverage: float  # notional of the position at entry over the account's cash
    side: float
    one: float  # size of one unit of the underlying
    step: float  # seconds

    def steps(self, duration: str | None, least: int = 0) -> int:
        """Whole steps that are not shorter than a duration."""
        return least if duration is None else max(least, math.ceil(parse_duration(duration) / self.step - 1e-9))


class PolicyPart(Part):
    """Base: which position it is about. `closes_whole` and `grows` say which sizes the position may take later."""

    position: Count = Field(default=0, ge=0, description="number of the position in its list, from 0")

    closes_whole: ClassVar[bool] = False  # nothing, or all of a leg at once
    grows: ClassVar[bool] = False
    of_one_leg: ClassVar[bool] = False  # its account holds nothing else
    needs_reserve: ClassVar[bool] = False  # it spends what lies beside the accounts
    needs_others: ClassVar[bool] = False  # it is about what else the book holds

    def form(self, at: Standing) -> Any:
        """The engine's policy."""
        raise NotImplementedError

    def numbers(self, at: Standing) -> Any:
        """Its numbers of one book."""
        raise NotImplementedError

    def is_met(self, at: Standing, price: float) -> bool:
        """Whether it would close the position at as_of already; the contract's price is relative to the spot."""
        return False
