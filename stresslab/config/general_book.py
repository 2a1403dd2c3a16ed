"""One book of any form in money: its accounts, what the venue says to it, and the form that the engine compiles."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from stresslab.accounts.form import AccountForm, BookForm, Leg
from stresslab.config import liquidation_stages
from stresslab.config.account_checks import check_account, check_currency
from stresslab.config.account_price import Price, account_price
from stresslab.config.book_accounts import accounts
from stresslab.config.held import Account, Held
from stresslab.config.leg_forms import leg_form
from stresslab.config.policy_base import PolicyPart, Standing
from stresslab.config.processes import MeanRevertingBasis, MeanRevertingFunding
from stresslab.config.schema import Study
from stresslab.errors import NotAllowed, require
from stresslab.venues import Rulebook


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
        return self.accounts[0].rulebook

    @property
    def side(self) -> str:
        """Of one position; several are `mixed`."""
        return self.legs[0].side if self._is_one else "mixed"

    @property
    def _is_one(self) -> bool:
        return len(self.legs) == 1 and not any(account.options for account in self.accounts)

    @cached_property
    def scale(self) -> float:
        """Notional of all legs at spot, of options their gross quantity: what the loop's money is relative to."""
        return sum(abs(leg.unit) for leg in self.legs) + self._of_options

    @cached_property
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
        """At entry; of several positions the sum, of options their gross quantity at spot."""
        return sum(leg.notional for leg in self.legs) + self._of_options

    @property
    def _of_options(self) -> float:
        return sum(account.options.held.unit for account in self.accounts if account.options is not None)

    @property
    def quantity(self) -> float:
        """Of one position; several have none in common."""
        return self.legs[0].quantity if self._is_one else math.nan

    @cached_property
    def liquidation_price(self) -> float:
        """Of one position whose requirement depends on its own price alone."""
        return self._price("liquidation_price")

    @cached_property
    def bankruptcy_price(self) -> float:
        return self._price("bankruptcy_price")

    def standing(self, policy: PolicyPart, step: float) -> Standing:
        """The position that a policy is about; `step` in seconds."""
        number, leg = places(self.accounts)[policy.position]
        account = self.accounts[number]
        held = account.legs[leg]
        return Standing(
            account=number,
            leg=leg,
            spot=held.spot,
            entry=held.entry / held.spot,
            margin=account.margin / self.scale,
            leverage=held.notional / (account.backing if account.backing > 0 else account.worth),
            side=held.sign,
            one=abs(held.unit / held.in_units) / self.scale,
            step=step,
        )

    def quote(self, rulebook: Rulebook, spot: float) -> float:
        """The quote notional at as_of of one unit of the scale in a position under this rulebook."""
        rule = "settles in a coin at a fixed rate: what it weighs in quote currency is not known"
        require(rulebook.contract.kind != "quanto", rule, key="book.rulebook", got=rulebook.id)
        in_coin = rulebook.contract.settle == rulebook.contract.base
        return self.scale * spot if in_coin else self.scale

    def _price(self, name: Price) -> float:
        return account_price(self.accounts[0], name) if len(self.accounts) == 1 else math.nan


def general_book(cell: Study) -> GeneralBook:
    """The book of one cell; NotAllowed where a rulebook refuses it, InputError where the engine cannot run it."""
    _check_market(cell)
    held = accounts(cell)
    for account in held:
        check_account(cell, account)
    check_currency(cell, held)
    _check_own_book(cell, held)
    policies = cell.book_policies
    _check_policies(cell, held, policies)
    form = BookForm(tuple(_account_form(account, cell) for account in held))
    plain = GeneralBook(held, cell.book.reserve or 0.0, form, policies, cell)
    acting = tuple(policy.form(plain.standing(policy, 1.0)) for policy in policies)
    _check_met(plain, cell)
    made = replace(plain, form=form._replace(policies=acting))
    require(made.equity > 0, "has nothing to lose: its wealth is not above 0", key="book", file=cell.file)
    return made


def _check_market(cell: Study) -> None:
    """InputError for what moves one asset alone where there are several."""
    several = len(cell.asset_names) > 1
    for key, kind in (("funding", MeanRevertingFunding), ("basis", MeanRevertingBasis)):
        wanders = several and isinstance(getattr(cell, key), kind)
        fields = "rate: ..., interval: ..." if key == "funding" else "basis: ..."
        hint = f"Write {key}: {{kind: constant, {fields}}}, or use a model of one asset"
        rule = "that wanders belongs to one asset: a book on a joint model has none"
        require(not wanders, rule, key=key, got="mean_reverting", hint=hint, file=cell.file)


def _check_own_book(cell: Study, held: tuple[Account, ...]) -> None:
    """InputError where the venue's discount of a collateral would move a position's mark too."""
    block = cell.venue.own_book if cell.venue is not None else None
    names = [leg.row for account in held for leg in account.legs]
    traded = block is not None and block.asset in [cell.asset_names[row] for row in names]
    rule = "is an asset that a position is on: the discount is that of a collateral"
    got = block.asset if block is not None else None
    require(not traded, rule, key="venue.own_book.asset", got=got, file=cell.file)


def _check_policies(cell: Study, held: tuple[Account, ...], policies: tuple[PolicyPart, ...]) -> None:
    """InputError for a policy about a position that is not there, or that needs an account to itself."""
    known = places(held)
    for place, policy in enumerate(policies):
        key, kind = f"book.policies[{place}]", type(policy).__name__
        rule = f"there is no such position beside options; there are, from 0: {', '.join(map(str, known)) or 'none'}"
        require(policy.position in known, rule, key=f"{key}.position", got=policy.position, file=cell.file)
        account = held[known[policy.position][0]]
        alone = len(account.legs) == 1 and account.options is None
        rule = f"{kind} is about an account with one position: this one has several"
        require(alone or not policy.of_one_leg, rule, key=key, file=cell.file)
        rule = "is a fraction of the account's cash, and there is none"
        has_cash = getattr(policy, "of_margin", None) is None or account.margin > 0
        require(has_cash, rule, key=f"{key}.of_margin", hint="Give distance or price", file=cell.file)
        rule = f"{kind} takes its cash from the reserve, and there is none"
        funded = not policy.needs_reserve or (cell.book.reserve or 0.0) > 0
        require(funded, rule, key=key, hint="Write book.reserve", file=cell.file)
        _check_leverage(cell, held[known[policy.position][0]].legs[known[policy.position][1]], policy, key)
        others = len(known) > 1 or any(one.options is not None for one in held)
        rule = f"{kind} is about what else the book holds, and there is nothing else: it would close the position"
        require(others or not policy.needs_others, rule, key=key, file=cell.file)


def _check_leverage(cell: Study, leg: Held, policy: PolicyPart, key: str) -> None:
    """NotAllowed for a leverage that the policy would trade to and the venue does not give."""
    wanted = getattr(policy, "leverage", None)
    if wanted is not None:
        try:
            leg.rulebook.check_allowed(abs(leg.unit), wanted, leg.rulebook.size(leg.quantity, leg.spot))
        except NotAllowed as refusal:
            raise refusal.at(key=f"{key}.leverage", file=cell.file) from None


def _check_met(book: GeneralBook, cell: Study) -> None:
    """NotAllowed for a level that the price has passed already: all would be sold at as_of, and nothing be at risk."""
    known = places(book.accounts)
    for place, policy in enumerate(book.policies):
        number, leg = known[policy.position]
        held = book.accounts[number].legs[leg]
        if policy.is_met(book.standing(policy, 1.0), held.price / held.spot):
            raise NotAllowed(
                f"the {policy.model_dump()['kind'].replace('_', ' ')} is already triggered at the price at as_of, "
                f"{held.price:g}: it would close the position at once",
                key=f"book.policies[{place}]",
                hint="Put its level on the other side of the price, or remove it",
                file=cell.file,
            )


def places(held: tuple[Account, ...]) -> dict[int, tuple[int, int]]:
    """Account and leg of each position by its number, but for options."""
    return {leg.number: (at, place) for at, account in enumerate(held) for place, leg in enumerate(account.legs)}


def _account_form(account: Account, cell: Study) -> AccountForm:
    wanted, options = account.rulebook.requirement, account.options
    legs = tuple(leg_form(leg, cell.venue) for leg in account.legs)
    netting: Any = wanted.netting if len(account.legs) > 1 else "none"
    return AccountForm(
        legs=(*legs, Leg(options.row, options.held.contract)) if options is not None else legs,
        collaterals=tuple(asset.row for asset in account.collaterals),
        netting="portfolio" if cell.book.margin_mode == "portfolio" else netting,
        stages=liquidation_stages.forms(account.rulebook),
        strict=wanted.compare == "lt",
    )
