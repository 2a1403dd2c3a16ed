"""Proof that the comparison sees mistakes: the twin with one wrong rule differs from the engine."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from accounts.comparing import compare
from accounts.test_twin import ROOT, drawn
from helpers.account_twin.book import Book
from helpers.account_twin.position import Position


def of_positions(change: Callable[[Position], None]) -> Callable[[Book], None]:
    def twist(book: Book) -> None:
        for account in book.accounts:
            for position in account.positions:
                change(position)

    return twist


def demanding(**changes: object) -> Callable[[Book], None]:
    def change(position: Position) -> None:
        position.demand = replace(position.demand, **changes)

    return of_positions(change)


def setting(**changes: object) -> Callable[[Book], None]:
    def change(position: Position) -> None:
        for name, value in changes.items():
            setattr(position, name, value)

    return of_positions(change)


def rates_too_high(position: Position) -> None:
    tiers = tuple(tier._replace(mmr=1.02 * tier.mmr) for tier in position.demand.tiers)
    position.demand = replace(position.demand, tiers=tiers)


def better_fills(position: Position) -> None:
    position.slippage = -position.slippage


def settled_late(position: Position) -> None:
    position.expiry = None if position.expiry is None else position.expiry + 1


def tier_at_entry(position: Position) -> None:
    held = position.notional(position.entry)
    tier = next(tier for tier in position.demand.tiers if held <= tier.cap)
    position.demand = replace(position.demand, shape="flat", tiers=(tier._replace(cap=math.inf),))


def residual_to_the_other(book: Book) -> None:
    for account in book.accounts:
        account.residual_to_customer = not account.residual_to_customer


def no_haircut(book: Book) -> None:
    for account in book.accounts:
        for one in account.collaterals:
            one.haircut = 0.0


def no_netting(book: Book) -> None:
    for account in book.accounts:
        account.netting = "none"


def one_account_only(book: Book) -> None:
    """The hedge beside shares the margin."""
    first, second = book.accounts
    first.wallet += second.wallet
    first.positions += second.positions
    second.wallet, second.positions = 0.0, []


def funding_on_entry(book: Book) -> None:
    book.funded_at = lambda position: position.entry


def funding_the_other_way(book: Book) -> None:
    pay = book.pay_funding
    book.pay_funding = lambda payment: pay(payment._replace(rate=-payment.rate))


def fee_not_capped(book: Book) -> None:
    book.fee_paid = lambda fees, left: fees


def no_test_after_funding(book: Book) -> None:
    test = book.test
    book.test = lambda cause: None if cause == "funding" else test(cause)


def closed_after_the_gap_only(book: Book) -> None:
    """Diffusions fill where the piece ends."""
    liquidate = book.liquidate
    book.liquidate = lambda account, prices, cause: liquidate(
        account, prices if cause != "diffusion" else tuple(0.999 * p for p in prices), cause
    )


def everything_at_once(book: Book) -> None:
    for account in book.accounts:
        account.stages = []


def no_cooldown(book: Book) -> None:
    for account in book.accounts:
        account.stages[-1].cooldown = 0


def no_vault(book: Book) -> None:
    for account in book.accounts:
        account.stages = account.stages[1:]


def less_buffer(book: Book) -> None:
    for account in book.accounts:
        account.stages[0].buffer *= 0.95


def stop_a_little_lower(book: Book) -> None:
    book.policies[0].price *= 0.999


def a_profit_with_slippage(book: Book) -> None:
    book.policies[1].rests = False


def a_smaller_target(book: Book) -> None:
    for policy in book.policies:
        policy.target *= 0.99


MISTAKES = [
    ("stop and profit", stop_a_little_lower),
    ("stop and profit", a_profit_with_slippage),
    ("topped up and cut back", a_smaller_target),
    ("tiers down", everything_at_once),
    ("to the tier that passes", everything_at_once),
    pytest.param("cover the shortage", less_buffer, marks=pytest.mark.slow),
    ("backstop, then a fraction", no_cooldown),
    ("backstop, then a fraction", no_vault),
    ("linear", of_positions(rates_too_high)),
    ("linear", demanding(shape="flat")),  # deductions ignored
    ("linear", of_positions(tier_at_entry)),
    ("linear", demanding(close_fee="none")),
    ("linear", residual_to_the_other),
    ("linear", of_positions(better_fills)),
    ("linear", setting(liquidation_fee=0.0)),
    ("linear", fee_not_capped),
    ("linear", funding_on_entry),
    ("linear", funding_the_other_way),
    ("linear", no_test_after_funding),
    ("linear", closed_after_the_gap_only),
    ("inverse", setting(contract="linear", size=10.0)),
    ("inverse", funding_the_other_way),
    ("quanto, flat by size", demanding(by="notional")),
    ("quanto, flat by size", setting(multiplier=0.0101)),
    ("affine", demanding(growth=0.0)),
    ("root by notional", demanding(growth=0.0)),
    ("frozen at entry", demanding(basis="mark")),
    ("fee at bankruptcy", demanding(close_fee="on_notional")),
    ("future and perpetual", setting(log_basis=0.0)),
    ("future and perpetual", of_positions(settled_late)),
    ("future and perpetual", no_netting),
    ("coin-backed", no_haircut),
    ("two assets netted", no_netting),
    ("hedge beside", one_account_only),
]


@cache
def honest(kind: str) -> set:
    return set(compare(*drawn(kind), ROOT).pairs_that_differ)


@pytest.mark.parametrize("kind, twist", MISTAKES)
def test_a_wrong_rule_is_seen(kind, twist):
    found = compare(*drawn(kind), ROOT, twist)
    assert len(set(found.pairs_that_differ) - honest(kind)) >= 1
