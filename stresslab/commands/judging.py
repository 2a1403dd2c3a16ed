"""Forecasts against what happened."""

from pathlib import Path
from typing import Annotated

import typer

from stresslab.commands.app import INTERRUPTED, Columns, Dates, Decimal, Quiet, Symbol, Utc, app, fail


@app.command()
def backtest(
    prices: Annotated[
        list[Path], typer.Argument(metavar="PRICES.csv...", help="Bars; several files are joined in time.")
    ],
    models: Annotated[str, typer.Option(help="Models to judge, such as gbm,merton,filtered_historical.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.html", help="Where the page goes.")],
    leverage: Annotated[str, typer.Option(help="Leverages, such as 10,20,50.")] = "10,20,50",
    horizon: Annotated[str, typer.Option(help="How far each forecast looks.")] = "1D",
    side: Annotated[str, typer.Option(help="Sides of the position.")] = "long,short",
    from_: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First forecast, UTC.")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last forecast, UTC.")] = None,
    every: Annotated[str, typer.Option(help="From one forecast to the next.")] = "1D",
    window: Annotated[str, typer.Option(help="The history that a forecast looks at.")] = "730D",
    refit: Annotated[str, typer.Option(help="From one fit of the parameters to the next.")] = "30D",
    mmr: Annotated[
        float | None, typer.Option(help="Maintenance margin rate; 0.004 unless a rulebook is given.")
    ] = None,
    rulebook: Annotated[
        str | None, typer.Option(help="Liquidation prices by this rulebook, the edition of each date or @DATE.")
    ] = None,
    notional: Annotated[float, typer.Option(help="Size of the position, for the rulebook's tier.")] = 10_000.0,
    paths: Annotated[int, typer.Option(help="Simulated paths for each forecast.")] = 16_384,
    seed: Annotated[int, typer.Option(help="Of the simulation and of the bootstrap.")] = 1,
    data: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the dataset too: .nc or .zarr.")] = None,
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep forecasts here, to go on if stopped.")] = None,
    holes: Annotated[
        str, typer.Option(help="Meaning of a missing bar: unknown, or untraded (no trade, as in Kraken's archive).")
    ] = "unknown",
    utc: Utc = False,
    columns: Columns = "",
    dates: Dates = "",
    decimal: Decimal = "",
    symbol: Symbol = "",
    quiet: Quiet = False,
) -> None:
    """Forecast liquidation over past prices and compare with what happened.

    Example: stresslab backtest BTCUSDT_1h.csv --models gbm,garch --leverage 10,20,50 -o backtest.html
    """
    from stresslab import terminal
    from stresslab.backtest import Question, parse, read_history, run_backtest
    from stresslab.backtest.clock import make_clock
    from stresslab.backtest.editions import doubtful_dates
    from stresslab.backtest.page import summary, write_page
    from stresslab.files.layout import Layout
    from stresslab.files.targets import require_writable
    from stresslab.store import export as export_dataset

    sides, leverages = parse.parse_names(side), parse.parse_leverages(leverage)
    levels, rules, dated = parse.liquidation_levels(sides, leverages, mmr, rulebook, notional)
    spans = parse.parse_spans(horizon, every, window, refit)
    between = parse.parse_date(from_, "--from"), parse.parse_date(to, "--to")
    untraded = parse.parse_holes(holes)
    question = Question(
        parse.parse_names(models), sides, leverages, levels, rules, spans, paths, seed, *between, untraded, dated
    )
    bars = read_history(prices, Layout(utc, parse.parse_names(columns), dates, decimal, symbol))
    terminal.print_data(bars.words(), quiet)
    parse.check_data_file(data)
    if dated is not None and (doubt := doubtful_dates(make_clock(bars, spans, *between).dates, dated)):
        terminal.warn(f"{doubt}. {rulebook}@DATE takes one edition for all dates")
    for path, key in ((output, "--output"), (data, "--data")):
        if path is not None:
            require_writable(path, key, "either" if key == "--data" else "file")
    try:
        with terminal.progress(quiet) as progress:
            dataset = run_backtest(bars, question, progress, keep)
    except KeyboardInterrupt:
        fail("stopped" + ("" if keep is None else "; the same command goes on where it was"), INTERRUPTED)
    if data is not None:
        export_dataset(dataset, data, overwrite=True)
    write_page(dataset, output)
    if not quiet:
        terminal.print_table(summary(dataset))
    terminal.say(f"wrote {output}" + (f" and {data}" if data else ""))
