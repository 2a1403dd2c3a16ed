"""One book of any form in money: its accounts, what the venue says to it, and the form that the engine compiles."""

import math
from dataclasses import dataclass, replace

from stresslab.accounts.form import AccountForm, BookForm
from stresslab.config import liquidation_stages
from stresslab.config.engine_rules import check_agree, check_runs
from stresslab.config.held import Account, Held, accounts
from stresslab.config.leg_forms import leg_form
from stresslab.config.policy_kinds import PolicyPart, Standing
from stresslab.config.processes import MeanRevertingBasis, MeanRevertingFunding
from stresslab.config.schema import Study
from stresslab.config.venue import Venue
from stresslab.errors import InputError, NotAllowed, require
from stresslab.venues import Rulebook
from stresslab.venues.account import Position, others

_ANY_LEVERAGE = 1e-9  # asks a rulebook for the size alone
_DOLLARS = ("USD", "USDT", "USDC", "USDE", "FDUSD", "BUSD", "DAI")  # one quote currency in the simulation


@dataclass(frozen=True)
class GeneralBook:
    """What the report says of a book before any path is drawn, and what its rows are made of.

    `form` has no conditions of the venue yet: those are the market cell's, and depend on its step (`forms.form`).
    """

    accounts: tuple[Account, ...]
    reserve: float
    form: BookForm
    policies: tuple[PolicyPart, ...] = ()
    cell: Study | None = None  # where it is from; None for a plain book, which needs no more

    @property
    def legs(self) -> tuple[Held, ...]:
        """All positions, in the order in which they are written."""
        return tuple(leg for account in self.accounts for leg in account.legs)

    @property
    def rulebook(self) -> Rulebook:
        """Of the first position."""
        return self.legs[0].rulebook

    @property
    def side(self) -> str:
        """Of one position; several are `mixed`."""
        return self.legs[0].side if len(self.legs) == 1 else "mixed"

    @property
    def scale(self) -> float:
        """Notional of all legs at spot: what the loop's money is relative to."""
        return sum(abs(leg.unit) for leg in self.legs)

    @property
    def equity(self) -> float:
        """Wealth at as_of before entry fees, the reserve in it: what can be lost."""
        return sum(account.worth for account in self.accounts) + self.reserve

    @property
    def entry_fee(self) -> float:
        return sum(leg.entry_fee for leg in self.legs)

    @property
    def outside_fee(self) -> float:
        """Entry fees that no account pays: they come out of the reserve, or out of cash that is not looked at."""
        return self.entry_fee - sum(account.inside_fee for account in self.accounts)

    @property
    def notional(self) -> float:
        """At entry; of several positions the sum."""
        return sum(leg.notional for leg in self.legs)

    @property
    def quantity(self) -> float:
        """Of one position; several have none in common."""
        return self.legs[0].quantity if len(self.legs) == 1 else math.nan

    @property
    def liquidation_price(self) -> float:
        """Of one position whose requirement depends on its own price alone."""
        return self._price("liquidation_price")

    @property
    def bankruptcy_price(self) -> float:
        return self._price("bankruptcy_price")

    def standing(self, policy: PolicyPart, step: float) -> Standing:
        """The position that a policy is about; `step` in seconds."""
        places = [(number, leg) for number, one in enumerate(self.accounts) for leg in range(len(one.legs))]
        number, leg = places[policy.position]
        account = self.accounts[number]
        held = account.legs[leg]
        return Standing(
            account=number,
            leg=leg,
            spot=held.spot,
            entry=held.entry / held.spot,
            margin=account.margin / self.scale,
            leverage=held.notional / account.deposit,
            side=held.sign,
            step=step,
        )

    def quote(self, leg: Held) -> float:
        """The quote notional at as_of of one unit of the scale in this leg."""
        kind = leg.rulebook.contract.kind
        rule = "settles in a coin at a fixed rate: what it weighs in quote currency is not known"
        require(kind != "quanto", rule, key="book.rulebook", got=leg.rulebook.id)
        return self.scale * leg.spot if kind == "inverse" else self.scale

    def _price(self, name: str) -> float:
        (account, *more) = self.accounts
        if more or len(account.legs) > 1 or account.collaterals or account.legs[0].seconds is not None:
            return math.nan
        leg = account.legs[0]
        answer = getattr(leg.rulebook, name)
        return float(answer(leg.side, leg.entry, leg.quantity, max(account.margin, 1e-12 * abs(leg.unit))))


def general_book(cell: Study) -> GeneralBook:
    """The book of one cell; NotAllowed where a rulebook refuses it, InputError where the engine cannot run it."""
    _check_market(cell)
    held = accounts(cell)
    for account in held:
        _check_account(cell, account)
    _check_currency(cell, held)
    policies = cell.book_policies
    _check_policies(cell, held, policies)
    form = BookForm(tuple(_account_form(account, cell.venue) for account in held))
    plain = GeneralBook(held, cell.book.reserve or 0.0, form, policies, cell)
    acting = tuple(policy.form(plain.standing(policy, 1.0)) for policy in policies)
    made = replace(plain, form=form._replace(policies=acting))
    require(made.equity > 0, "has nothing to lose: its wealth is not above 0", key="book", file=cell.file)
    return made


def _check_market(cell: Study) -> None:
    """InputError for what moves one asset alone where there are several."""
    several = len(cell.asset_names) > 1
    for key, kind in (("funding", MeanRevertingFunding), ("basis", MeanRevertingBasis)):
        wanders = several and isinstance(getattr(cell, key), kind)
        hint = "Write kind: constant, or a model of one asset"
        rule = "that wanders belongs to one asset: a book on a joint model has none"
        require(not wanders, rule, key=key, got="mean_reverting", hint=hint, file=cell.file)


def _check_policies(cell: Study, held: tuple[Account, ...], policies: tuple[PolicyPart, ...]) -> None:
    """InputError for a policy about a position that is not there, or that needs an account to itself."""
    alone = [len(account.legs) == 1 for account in held for _ in account.legs]
    for place, policy in enumerate(policies):
        key, kind = f"book.policies[{place}]", type(policy).__name__
        rule = f"the book has {len(alone)} positions, counted from 0"
        require(policy.position < len(alone), rule, key=f"{key}.position", got=policy.position, file=cell.file)
        rule = f"{kind} is about an account with one position: this one has several"
        require(alone[policy.position] or not policy.of_one_leg, rule, key=key, file=cell.file)


def _account_form(account: Account, venue: Venue | None) -> AccountForm:
    wanted = account.legs[0].rulebook.requirement
    return AccountForm(
        legs=tuple(leg_form(leg, venue) for leg in account.legs),
        collaterals=tuple(asset.row for asset in account.collaterals),
        netting=wanted.netting if len(account.legs) > 1 else "none",
        stages=liquidation_stages.forms(account.legs[0].rulebook),
        strict=wanted.compare == "lt",
    )


def _check_account(cell: Study, account: Account) -> None:
    mode = cell.book.margin_mode
    for leg in account.legs:
        check_runs(leg.rulebook, cell.file)
        modes = leg.rulebook.collateral.modes
        if mode not in modes:
            rule = f"{leg.rulebook.id} allows {' and '.join(modes)} margin"
            raise NotAllowed(rule, key="book.margin_mode", got=mode, file=cell.file)
    check_agree([leg.rulebook for leg in account.legs], cell.file)
    for leg in account.legs:
        leverage = _ANY_LEVERAGE
        if leg.is_new and mode == "isolated":
            leverage = leg.notional / account.deposit
        size = leg.rulebook.size(leg.quantity, leg.spot)
        try:
            leg.rulebook.check_allowed(abs(leg.unit), leverage, size)
        except NotAllowed as refusal:
            raise refusal.at(key="book") from None
    _check_opened(account, mode)
    _check_open(account)


def _check_opened(account: Account, mode: str) -> None:
    """NotAllowed where a shared margin does not carry what is opened at as_of."""
    if mode == "isolated" or not any(leg.is_new for leg in account.legs):
        return
    wanted = sum(
        float(leg.rulebook.initial_margin(abs(leg.unit), size=leg.rulebook.size(leg.quantity, leg.spot)))
        for leg in account.legs
    )
    equity = _equity(account)
    if wanted > equity * (1 + 1e-12) + account.inside_fee:
        rule = f"its positions need an initial margin of {wanted:,.2f}, and it is worth {equity:,.2f}"
        raise NotAllowed(rule, key="book", hint="Give it more collateral, or make the positions smaller")


def _check_open(account: Account) -> None:
    """NotAllowed for an account that its venue would liquidate at once."""
    if account.margin <= 0:
        below = True
    elif len(account.legs) == 1 and not account.collaterals:
        leg = account.legs[0]
        below = bool(leg.rulebook.is_liquidated(leg.side, leg.entry, leg.quantity, account.margin, leg.price))
    else:
        required = others([_as_position(leg) for leg in account.legs]).other_maintenance
        strict = account.legs[0].rulebook.requirement.compare == "lt"
        equity = _equity(account)
        below = equity < float(required) if strict else equity <= float(required)
    if below:
        got = "; ".join(f"{leg.side} {leg.quantity:g} at {leg.entry:g}" for leg in account.legs)
        raise NotAllowed(
            "is at or below its maintenance margin at spot already: it would be liquidated at once",
            key="book",
            got=f"{got} with margin {account.margin:g}",
            hint="Give it more margin, or less leverage",
        )


def _equity(account: Account) -> float:
    """What counts as margin: cash after fees, unrealised PnL, collaterals after haircuts."""
    worth = account.margin + sum(leg.pnl(leg.price) for leg in account.legs)
    return worth + sum((1 - asset.haircut) * asset.worth for asset in account.collaterals)


def _as_position(leg: Held) -> Position:
    return Position(leg.rulebook, leg.side, leg.entry, leg.quantity, leg.price)


def _check_currency(cell: Study, held: tuple[Account, ...]) -> None:
    """One book is counted in one currency; dollars are one."""
    settled = {leg.rulebook.contract.settle: leg.rulebook.id for account in held for leg in account.legs}
    kinds = {"USD" if currency in _DOLLARS else currency for currency in settled}
    if len(kinds) > 1:
        words = ", ".join(f"{name} in {currency}" for currency, name in settled.items())
        raise InputError(
            f"all positions of a book settle in one currency: {words}", key="book.positions", file=cell.file
        )
