"""What is simulated and what is held: the market and book blocks, each with the rules of its own."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stresslab.config.fields import Amount, AmountOrZero, Distinct, Duration, Filled, Part, Text
from stresslab.config.holdings import AccountFees, Backing, LeverageSet, Position, check_with_pnl
from stresslab.config.policies import Policies
from stresslab.errors import InputError, require
from stresslab.models.base import NonNegative
from stresslab.random import MAX_STEPS
from stresslab.units import format_duration, parse_duration

LONGEST_HORIZON = parse_duration("3650D")


_BACKED_BY = ("collateral", "margin_with_pnl", "collaterals")  # of an isolated position
OF_ONE = (
    "side",
    "leverage",
    "quantity",
    "entry_price",
    "margin",
    "margin_with_pnl",
    "leverage_set",
    "slippage_bps",
)
_UNDER_POSITIONS = {"margin": "it as collateral"}  # what a key of one position is called there


class Market(Part):
    """What is simulated: one asset under one model, watched up to the horizons."""

    asset: Text
    spot: Amount = Field(description="price at as_of, quote currency")
    model: Text = Field(description="one of the names under models")
    step: Duration = Field(description="time step of the simulation")
    horizons: Annotated[tuple[Duration, ...], Filled, Distinct] = Field(description="checkpoints, shortest first")
    shock: Text | None = Field(default=None, description="one of the names under shocks, or none")
    spots: dict[str, Amount] | None = Field(default=None, description="of a joint model's other assets, at as_of")

    @property
    def step_seconds(self) -> int:
        return parse_duration(self.step)

    @property
    def horizon_seconds(self) -> tuple[int, ...]:
        return tuple(parse_duration(horizon) for horizon in self.horizons)

    def place(self, asset: str, assets: tuple[str, ...], key: str) -> tuple[int, float]:
        """The row of an asset among those of the model, and its price at as_of; InputError where there is none."""
        hint = f"The model has {', '.join(assets)}"
        require(asset in assets, "is not an asset of market.model", key=key, got=asset, hint=hint)
        spot = self.spot if asset == self.asset else (self.spots or {}).get(asset)
        hint = f"Write market.spots: {{{asset}: ...}}"
        if spot is None:
            raise InputError(f"the price of {asset} at as_of is not given", key=key, got=asset, hint=hint)
        return assets.index(asset), spot

    @model_validator(mode="after")
    def _clock(self) -> Self:
        step, ends = self.step_seconds, self.horizon_seconds
        ordered = ", ".join(format_duration(end) for end in sorted(ends))
        require(
            sorted(ends) == list(ends),
            "must run from short to long",
            key="horizons",
            got=list(self.horizons),
            hint=f"Write [{ordered}]",
        )
        require(ends[-1] <= LONGEST_HORIZON, "must be at most 3650D", key="horizons", got=self.horizons[-1])
        require(
            step <= ends[0],
            f"must not be longer than the shortest horizon, {self.horizons[0]}",
            key="step",
            got=self.step,
        )
        for horizon, end in zip(self.horizons, ends, strict=True):
            require(
                end % step == 0, f"must divide every horizon; {horizon} is not a multiple", key="step", got=self.step
            )
        rule = f"gives {ends[-1] // step} steps to {self.horizons[-1]}, more than {MAX_STEPS}"
        require(ends[-1] // step <= MAX_STEPS, rule, key="step", got=self.step)
        return self


class Book(Part):
    """What is held: one position, or `positions`. Leverage is notional over collateral at entry: any two sizes give the
    third. Money is in the settlement currency of the rulebook: quote currency, or the coin of a coin-margined contract.
    """

    rulebook: Text = Field(description="a rulebook's id, such as binance_usdm/BTCUSDT, or the path of a rulebook file")
    margin_mode: Literal["isolated", "cross", "portfolio"] = Field(
        default="isolated", description="isolated: each position has its own margin; cross, portfolio: all share one"
    )
    side: Literal["long", "short"] | None = Field(default=None, description="of one position")
    collateral: Amount | None = Field(default=None, description="margin put up at entry, settlement currency")
    leverage: Amount | None = Field(default=None, description="notional over collateral at entry")
    quantity: Amount | None = Field(default=None, description="size in units of the asset (inverse: USD)")
    entry_price: Amount | None = Field(default=None, description="of a position in flight; market.spot without it")
    margin: Amount | None = Field(
        default=None, description="of a position in flight, now, without the PnL since entry, settlement currency"
    )
    margin_with_pnl: Amount | None = Field(
        default=None,
        description="in place of margin: with the unrealised PnL at market.spot, as venues show it "
        "(Hyperliquid's marginUsed, ccxt's collateral)",
    )
    leverage_set: LeverageSet | None = None
    fees: AccountFees | None = Field(default=None, description="the account's own level; else the rulebook's")
    slippage_bps: NonNegative | None = Field(default=None, lt=10_000, description="of a close-out; else the rulebook's")
    positions: Annotated[tuple[Position, ...], Filled] | None = Field(default=None, description="in place of side")
    collaterals: Annotated[tuple[Backing, ...], Filled] | None = Field(
        default=None, description="assets that back the account beside its cash, or in place of it"
    )
    reserve: AmountOrZero | None = Field(
        default=None, description="cash beside the accounts that policies may put in, settlement currency"
    )
    policies: Policies | None = Field(default=None, description="a list, or the name of one under policies")
    stand_in: bool | None = Field(
        default=None, description="true: the rulebook is of another asset's contract, whose rules stand in"
    )

    @model_validator(mode="after")
    def _form(self) -> Self:
        if self.positions is None:
            self._check_one()
        else:
            self._check_several(self.positions)
        return self

    def _check_one(self) -> None:
        require(self.side is not None, "this key is required and is missing", key="side")
        require(
            self.margin is None or self.entry_price is not None,
            "describes a position in flight and needs entry_price",
            key="margin",
            got=self.margin,
            hint="For a position that is opened now give collateral",
        )
        if self.margin_with_pnl is not None:
            check_with_pnl(self.margin_with_pnl, self.entry_price, "margin", self.margin)
        self._check_sizes()

    def _check_sizes(self) -> None:
        sizes = {name: getattr(self, name) for name in ("leverage", "collateral", "quantity")}
        given = {name: value for name, value in sizes.items() if value is not None}
        if len(given) == 2:
            return
        rule = "give exactly two of leverage, collateral and quantity"
        alone: tuple[str, ...] = ()
        if self.margin is not None or self.margin_with_pnl is not None:
            rule, alone = f"{rule}; of a position in flight with its margin quantity is enough", ("quantity",)
        elif self.collaterals is not None:
            rule, alone = f"{rule}; beside collaterals quantity or leverage is enough", ("quantity", "leverage")
        if tuple(given) not in [(name,) for name in alone]:
            got = ", ".join(f"{name} {value:g}" for name, value in given.items()) or "none of them"
            raise InputError(f"{rule}; given: {got}")

    def _check_several(self, positions: tuple[Position, ...]) -> None:
        for name in OF_ONE:
            rule, hint = "belongs to one position", f"Write {_UNDER_POSITIONS.get(name, name)} under positions"
            require(getattr(self, name) is None, rule, key=name, got=getattr(self, name), hint=hint)
        if self.margin_mode == "isolated":
            self._check_isolated(positions)
        else:
            self._check_shared(positions)

    def _check_isolated(self, positions: tuple[Position, ...]) -> None:
        for name in ("collateral", "collaterals"):
            rule, hint = f"each isolated position has its own {name}", f"Write {name} under each position"
            require(getattr(self, name) is None, rule, key=name, got=getattr(self, name), hint=hint)
        for place, position in enumerate(positions):
            backed = any(getattr(position, name) is not None for name in _BACKED_BY)
            key, hint = f"positions[{place}].collateral", f"Give one of {', '.join(_BACKED_BY)}"
            require(backed, "an isolated position needs its own", key=key, got=position.collateral, hint=hint)

    def _check_shared(self, positions: tuple[Position, ...]) -> None:
        backed = self.collateral is not None or self.collaterals is not None
        hint = "Write book.collateral, book.collaterals or both"
        require(backed, "is what backs all positions", key="collateral", got=self.collateral, hint=hint)
        for place, position in enumerate(positions):
            for name in _BACKED_BY:
                key, got = f"positions[{place}].{name}", getattr(position, name)
                rule = "backs all positions and belongs under book"
                if name == "margin_with_pnl":
                    rule = "belongs to an isolated position: the cash of a shared account is book.collateral"
                require(got is None, rule, key=key, got=got)
