"""What a book holds: its positions, and what backs them beside cash."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stresslab.config.fields import Instant, Part, Text
from stresslab.errors import InputError, require
from stresslab.models.base import NonNegative, Positive


class Position(Part):
    """One position. Quantities as the rulebook counts them: base currency, USD (inverse) or contracts (quanto)."""

    rulebook: Text | None = Field(default=None, description="of this contract; the book's without it")
    asset: Text | None = Field(default=None, description="of a joint model; market.asset without it")
    side: Literal["long", "short"]
    quantity: Positive | None = Field(default=None, description="in the contract's own unit")
    notional: Positive | None = Field(default=None, description="at entry, settlement currency")
    leverage: Positive | None = Field(default=None, description="notional over what backs it: the account's collateral")
    collateral: Positive | None = Field(default=None, description="isolated: its own margin, settlement currency")
    entry_price: Positive | None = Field(default=None, description="of a position in flight; today's price without it")
    slippage_bps: NonNegative | None = Field(
        default=None, lt=10_000, description="of a market order; else the rulebook's"
    )
    expiry: Instant | None = Field(
        default=None, description="of a dated future or an option: settled at the index then"
    )
    basis: float | None = Field(default=None, gt=-5, lt=5, description="log of future over index, per year to expiry")
    option: Literal["call", "put"] | None = Field(default=None, description="European, on the index; what it is")
    strike: Positive | None = Field(default=None, description="of an option, quote currency")
    stand_in: bool | None = Field(
        default=None, description="true: the rulebook is of another asset's contract; the book's without it"
    )

    @model_validator(mode="after")
    def _size(self) -> Self:
        sizes = {name: getattr(self, name) for name in ("quantity", "notional", "leverage")}
        given = {name: value for name, value in sizes.items() if value is not None}
        if len(given) != 1:
            got = ", ".join(f"{name} {value:g}" for name, value in given.items()) or "none of them"
            raise InputError(f"give exactly one of quantity, notional and leverage; there is {got}")
        if self.option is not None or self.strike is not None:
            self._check_option()
        rule = "belongs to a dated future: give its expiry too"
        require(self.basis is None or self.expiry is not None, rule, key="basis", got=self.basis)
        return self

    def _check_option(self) -> None:
        for name in ("option", "strike", "expiry", "quantity"):
            require(getattr(self, name) is not None, "this key is required of an option", key=name)
        for name in ("entry_price", "collateral", "basis"):
            rule = "means nothing of an option: its premium has been paid"
            require(getattr(self, name) is None, rule, key=name, got=getattr(self, name))


class Backing(Part):
    """An asset that backs a cross account beside cash. Its price is that of the market's asset of this name."""

    asset: Text = Field(description="market.asset, or one of the joint model's")
    amount: Positive = Field(description="units of the asset")
    haircut: float | None = Field(
        default=None, ge=0, lt=1, description="what does not count as margin; else as the rulebook says"
    )
