"""What a book holds: its positions, and what backs them beside cash."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stresslab.config.fields import Amount, Filled, Instant, Part, Text
from stresslab.errors import InputError, require
from stresslab.models.base import NonNegative


def check_with_pnl(margin: float, entry_price: float | None, other: str, given: float | None) -> None:
    """InputError unless a margin that holds the unrealised PnL stands alone and belongs to a position in flight."""
    rule = "describes a position in flight and needs entry_price"
    hint = "For a position that is opened now give collateral"
    require(entry_price is not None, rule, key="margin_with_pnl", got=margin, hint=hint)
    rule = f"is given beside {other}: one holds the PnL since entry, the other does not"
    require(
        given is None, rule, key="margin_with_pnl", got=margin, hint=f"Leave out one of margin_with_pnl and {other}"
    )


LeverageSet = Annotated[
    float,
    Field(
        ge=1,
        le=1000,
        description="the leverage that the venue shows: where it decides the closing fee in the requirement (Bybit, "
        "BitMEX); it sizes nothing",
    ),
]


class AccountFees(Part):
    """The account's own fee level at the venue, in place of the rulebook's; fractions of the notional."""

    maker: float | None = Field(default=None, gt=-1, lt=1, description="negative: a rebate")
    taker: float | None = Field(default=None, ge=0, lt=1)


class Backing(Part):
    """An asset that backs an account beside cash, or in place of it. Its price is that of the market's asset of this
    name.
    """

    asset: Text = Field(description="market.asset, or one of the joint model's")
    amount: Amount = Field(description="units of the asset")
    haircut: float | None = Field(
        default=None, ge=0, lt=1, description="what does not count as margin; else as the rulebook says"
    )


class Position(Part):
    """One position. Quantities as the rulebook counts them: base currency, USD (inverse) or contracts (quanto)."""

    rulebook: Text | None = Field(default=None, description="of this contract; the book's without it")
    asset: Text | None = Field(default=None, description="of a joint model; market.asset without it")
    side: Literal["long", "short"]
    quantity: Amount | None = Field(default=None, description="in the contract's own unit")
    notional: Amount | None = Field(default=None, description="at entry, settlement currency")
    leverage: Amount | None = Field(default=None, description="notional over what backs it: the account's collateral")
    collateral: Amount | None = Field(
        default=None, description="isolated: its own margin without the PnL since entry, settlement currency"
    )
    margin_with_pnl: Amount | None = Field(
        default=None,
        description="isolated, in flight: in place of collateral, with the unrealised PnL at the price now",
    )
    collaterals: Annotated[tuple[Backing, ...], Filled] | None = Field(
        default=None, description="isolated: assets that back it beside its cash, or in place of it"
    )
    entry_price: Amount | None = Field(default=None, description="of a position in flight; today's price without it")
    leverage_set: LeverageSet | None = None
    slippage_bps: NonNegative | None = Field(
        default=None, lt=10_000, description="of a market order; else the rulebook's"
    )
    expiry: Instant | None = Field(
        default=None, description="of a dated future or an option: settled at the index then"
    )
    basis: float | None = Field(default=None, gt=-5, lt=5, description="log of future over index, per year to expiry")
    option: Literal["call", "put"] | None = Field(default=None, description="European, on the index; what it is")
    strike: Amount | None = Field(default=None, description="of an option, quote currency")
    stand_in: bool | None = Field(
        default=None, description="true: the rulebook is of another asset's contract; the book's without it"
    )

    @model_validator(mode="after")
    def _size(self) -> Self:
        sizes = {name: getattr(self, name) for name in ("quantity", "notional", "leverage")}
        given = {name: value for name, value in sizes.items() if value is not None}
        if len(given) != 1:
            got = ", ".join(f"{name} {value:g}" for name, value in given.items()) or "none of them"
            raise InputError(f"give exactly one of quantity, notional and leverage; given: {got}")
        if self.option is not None or self.strike is not None:
            self._check_option()
        if self.margin_with_pnl is not None:
            check_with_pnl(self.margin_with_pnl, self.entry_price, "collateral", self.collateral)
            rule = "does not size a position whose margin holds its PnL"
            hint = "Give quantity or notional"
            require(self.leverage is None, rule, key="leverage", got=self.leverage, hint=hint)
        rule = "belongs to a dated future: give its expiry too"
        require(self.basis is None or self.expiry is not None, rule, key="basis", got=self.basis)
        return self

    def _check_option(self) -> None:
        for name in ("option", "strike", "expiry", "quantity"):
            require(getattr(self, name) is not None, "this key is required of an option", key=name)
        for name in ("entry_price", "collateral", "margin_with_pnl", "collaterals", "basis"):
            rule = "means nothing of an option: its premium has been paid"
            require(getattr(self, name) is None, rule, key=name, got=getattr(self, name))
