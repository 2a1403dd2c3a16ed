"""What a venue refuses of an account before it is run: its size, its margin mode, its margins at as_of."""

from typing import NamedTuple

from stresslab.config.engine_rules import check_agree
from stresslab.config.held import Account, Held
from stresslab.config.schema import Study
from stresslab.config.written import alone
from stresslab.errors import InputError, NotAllowed
from stresslab.venues import Rulebook
from stresslab.venues.account import Position, others

_ANY_LEVERAGE = 1e-9  # asks a rulebook for the size alone
_DOLLARS = ("USD", "USDT", "USDC", "USDE", "FDUSD", "BUSD", "DAI")  # one quote currency in the simulation


def check_account(cell: Study, account: Account) -> None:
    """NotAllowed for what its venue refuses, InputError for what the engine cannot run."""
    mode = cell.book.margin_mode
    rulebooks = _rulebooks(account)
    for rulebook in rulebooks:
        modes = rulebook.collateral.modes
        if mode not in modes:
            rule = f"{rulebook.id} allows {' and '.join(modes)} margin"
            hint = f"Write margin_mode: {modes[0]}{_mode_change_hint(cell, modes[0])}"
            raise NotAllowed(rule, key="book.margin_mode", got=mode, hint=hint, file=cell.file)
    check_agree(rulebooks, cell.file)
    for leg in account.legs:
        leverage = _ANY_LEVERAGE
        if leg.is_new and mode == "isolated":
            leverage = leg.notional / account.backing
        size = leg.rulebook.size(leg.quantity, leg.spot)
        try:
            leg.rulebook.check_allowed(abs(leg.unit), leverage, size, leg.quantity)
        except NotAllowed as refusal:
            raise refusal.at(key="book") from None
    _check_opened(account, mode)
    _check_open(account, mode)


def _mode_change_hint(cell: Study, mode: str) -> str:
    """The other keys that change with the margin mode of a book of several positions."""
    if cell.book.positions is None or (mode == "isolated") == (cell.book.margin_mode == "isolated"):
        return ""
    if mode == "isolated":
        return ", and a collateral in each position in place of the book's"
    return ", and one collateral of the book in place of each position's"


def _check_opened(account: Account, mode: str) -> None:
    """NotAllowed where a shared margin does not carry what is opened at as_of."""
    if mode == "isolated" or not any(leg.is_new for leg in account.legs):
        return
    if mode == "portfolio":
        wanted = _portfolio(account).initial
    else:
        wanted = account.options.sold if account.options is not None else 0.0
        for leg in account.legs:
            size = leg.rulebook.size(leg.quantity, leg.spot)
            wanted += float(leg.rulebook.initial_margin(abs(leg.unit), size=size))
    equity = _equity(account)
    if wanted > equity * (1 + 1e-12) + account.inside_fee:
        rule = f"its positions need an initial margin of {wanted:,.2f}, and it is worth {equity:,.2f}"
        raise NotAllowed(rule, key="book", hint="Give it more collateral, or make the positions smaller")


def _check_open(account: Account, mode: str) -> None:
    """NotAllowed for an account that its venue would liquidate at once."""
    # a position in flight may stand on its unrealised PnL alone; one that is opened needs margin left after its fee
    if account.inside_fee > 0 and account.backing <= account.inside_fee:
        below = True
    elif mode != "portfolio" and len(account.legs) == 1 and not account.collaterals and account.options is None:
        leg = account.legs[0]
        given = leg.side, leg.entry, leg.quantity, account.margin, leg.price
        below = bool(leg.rulebook.is_liquidated(*given, **leg.at_venue))
    else:
        required, equity = _maintenance(account, mode), _equity(account)
        below = equity < required if account.rulebook.requirement.compare == "lt" else equity <= required
    if below:
        held = [f"{leg.side} {leg.quantity:g} at {leg.entry:g}" for leg in account.legs]
        got = "; ".join([*held, *(["options"] if account.options is not None else [])])
        raise NotAllowed(
            "is at or below its maintenance margin at spot already: it would be liquidated at once",
            key="book",
            got=f"{got} with margin {account.backing - account.inside_fee:g}",
            hint="Give it more margin, or less leverage",
        )


def _equity(account: Account) -> float:
    """What counts as margin: cash after fees, unrealised PnL, options, collaterals after haircuts."""
    worth = account.margin + sum(leg.pnl for leg in account.legs) + account.options_worth
    return worth + sum(asset.counted for asset in account.collaterals)


def _maintenance(account: Account, mode: str) -> float:
    if mode == "portfolio":
        return _portfolio(account).maintenance
    of_options = account.options.sold if account.options is not None else 0.0
    return float(others([_as_position(leg) for leg in account.legs]).other_maintenance) + of_options


class _Portfolio(NamedTuple):
    """Margin by scenarios, settlement currency."""

    initial: float
    maintenance: float


def _portfolio(account: Account) -> _Portfolio:
    """Asset by asset; a future counts as its size in units of the underlying."""
    initial = maintenance = 0.0
    options = account.options
    for row in sorted({leg.row for leg in account.legs} | ({options.row} if options is not None else set())):
        legs = [leg for leg in account.legs if leg.row == row]
        if options is not None and options.row == row:
            own = options.portfolio(sum(leg.in_units for leg in legs))
        else:
            own = alone(legs[0].rulebook, legs[0].spot, sum(leg.in_units for leg in legs))
        initial, maintenance = initial + float(own.initial), maintenance + float(own.maintenance)
    return _Portfolio(initial, maintenance)


def _rulebooks(account: Account) -> list[Rulebook]:
    found = [leg.rulebook for leg in account.legs]
    return found if account.options is None else [*found, account.options.rulebook]


def _as_position(leg: Held) -> Position:
    return Position(leg.rulebook, leg.side, leg.entry, leg.quantity, leg.price, leg.leverage_set, leg.funding_rate)


def check_currency(cell: Study, held: tuple[Account, ...]) -> None:
    """One book is counted in one currency; dollars are one."""
    settled = {rules.contract.settle: rules.id for account in held for rules in _rulebooks(account)}
    kinds = {"USD" if currency in _DOLLARS else currency for currency in settled}
    if len(kinds) > 1:
        words = ", ".join(f"{name} in {currency}" for currency, name in settled.items())
        raise InputError(
            f"all positions of a book settle in one currency: {words}", key="book.positions", file=cell.file
        )
