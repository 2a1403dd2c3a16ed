"""Rulebooks: list them, show one, compare two."""

from pathlib import Path
from typing import Annotated

import typer

from stresslab.commands.app import app

venues = typer.Typer(
    help="List the rulebooks that come with stresslab; show one, compare two.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
app.add_typer(venues, name="venues")

Name = Annotated[
    str,
    typer.Argument(
        metavar="RULEBOOK", help="An id such as okx/ETH-USDT-SWAP, or a file; @2025-08-19 after it names an edition."
    ),
]


@venues.callback()
def listed(context: typer.Context) -> None:
    """List the rulebooks that come with stresslab; show one, compare two."""
    if context.invoked_subcommand is None:
        from stresslab import venue_tables

        venue_tables.print_venues()


@venues.command()
def show(rulebook: Name) -> None:
    """Print a rulebook: every rule, its source, and what was not verified."""
    from stresslab import venue_tables
    from stresslab.venues import history, load, split_name

    book = load(rulebook)
    known = history(split_name(rulebook)[0])
    venue_tables.print_rulebook(book, [one for one in known if one.valid_from != book.valid_from])


@venues.command()
def diff(left: Name, right: Name) -> None:
    """Print what two rulebooks have different, field by field.

    Examples: stresslab venues diff binance_usdm/BTCUSDT bybit/BTCUSDT
    stresslab venues diff binance_usdm/BTCUSDT@2025-06 binance_usdm/BTCUSDT@2025-08-19
    """
    from stresslab import venue_tables
    from stresslab.venues import load

    venue_tables.print_difference(load(left), load(right))


@venues.command()
def check(
    file: Annotated[Path, typer.Argument(help="Positions: JSON or a table, or what ccxt's fetch_positions gives.")],
    venue: Annotated[str | None, typer.Option(help="Whose positions they are, where the file does not say.")] = None,
    at: Annotated[str | None, typer.Option(help="When they were fetched, where it does not say; else now.")] = None,
    wallet: Annotated[float | None, typer.Option(help="Balance of the cross account without PnL, the same.")] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Relative difference that agrees [record's own, or 1e-4 and half a digit].")
    ] = None,
    rulebooks: Annotated[
        Path | None, typer.Option(help="Folder of VENUE/SYMBOL.yaml that go before the shipped ones.")
    ] = None,
    decimal: Annotated[str, typer.Option(help="What precedes the fraction in a table: point or comma.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Recompute recorded positions with the rulebooks of their time.

    Prints which figures agree, and for those that do not the rule that they point to. Exit code 0 where all agree, 3
    where one does not or cannot be recomputed.

    Example: stresslab venues check positions.json --venue binance_usdm
    """
    from stresslab import venue_checks

    said = venue_checks.Said(venue, at, wallet, tolerance, rulebooks, decimal)
    if not venue_checks.check_positions(file, said, as_json):
        raise typer.Exit(3)


@venues.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A tier file of the exchange, of ccxt or of freqtrade, in JSON.")],
    venue: Annotated[str, typer.Option(help="Whose tiers they are, such as binance_usdm.")],
    as_of: Annotated[str | None, typer.Option("--as-of", help="The day on which the venue showed them.")] = None,
    source: Annotated[str, typer.Option(help="Where the file is from; its name and hash are added.")] = "",
    instruments: Annotated[
        Path | None, typer.Option(help="The venue's list of contracts: contract sizes (OKX ctVal), ticks, what trades.")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write VENUE/SYMBOL.yaml to.")] = Path(),
    replace: Annotated[bool, typer.Option("--replace", help="Write over rulebooks that are there.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out damaged contracts.")] = False,
) -> None:
    """Write a rulebook for every contract of a tier file.

    Rules that the file does not hold are those of the venue's shipped rulebook, and are marked so. Known layouts:
    Binance leverage brackets, Bybit risk limits, OKX position tiers, Gate and KuCoin risk limits, Kraken instruments,
    Hyperliquid meta, ccxt's and freqtrade's leverage tiers.

    Example: stresslab venues import brackets.json --venue binance_usdm --as-of 2026-09-29
    """
    from stresslab import venue_imports

    venue_imports.import_rulebooks(file, venue, as_of, source, instruments, output, replace, skip_bad)
