"""Models from data, and their state brought to tonight."""

from pathlib import Path
from typing import Annotated

import typer

from stresslab.commands.app import Columns, Dates, Decimal, Symbol, Utc, app
from stresslab.errors import InputError


@app.command()
def calibrate(
    prices: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PRICES.csv]...", help="Bars; several files or patterns are joined in time."),
    ] = None,
    model: Annotated[str, typer.Option(help="The kind of model, such as garch: see `stresslab models`.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="MODEL.yaml", help="Where the parameters go.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FIT.html", help="Write a page of the fit too.")] = None,
    options: Annotated[Path | None, typer.Option(metavar="CHAIN.csv", help="Fit to an option chain instead.")] = None,
    currency: Annotated[str, typer.Option(help="Which underlying of the chain, such as BTC.")] = "",
    unit: Annotated[str, typer.Option(help="Prices of the chain: coin or quote; settings from them without it.")] = "",
    expiry: Annotated[str, typer.Option(help="Only the expiry of the chain nearest to this, such as 30D.")] = "",
    at: Annotated[
        str | None,
        typer.Option(metavar="INSTANT", help="Use the last quotes up to this instant, for a record of chains."),
    ] = None,
    source: Annotated[str, typer.Option(help="Where the data are from; kept in the file.")] = "",
    asset: Annotated[str, typer.Option(help="Asset of the prices, such as BTC; kept in the file.")] = "",
    prices_are: Annotated[str, typer.Option(help="Kind of price: spot, last or mark; kept in the file.")] = "",
    accept_doubtful: Annotated[
        bool, typer.Option("--accept-doubtful", help="Write the file even if the fit is doubtful, with its doubts.")
    ] = False,
    utc: Utc = False,
    columns: Columns = "",
    dates: Dates = "",
    decimal: Decimal = "",
    symbol: Symbol = "",
) -> None:
    """Fit a model to prices or to an option chain, say how well it fits, and write its parameters.

    Example: stresslab calibrate BTCUSDT_1h.csv --model heston -o heston.yaml --plot heston.html
    """
    from stresslab import fit_tables, fitting, terminal
    from stresslab.backtest import parse
    from stresslab.files.layout import Layout
    from stresslab.files.targets import require_writable
    from stresslab.files.writing import write
    from stresslab.report.fit_page import render_fit

    if output is None or not model:
        raise InputError(
            "is required", key="--model" if not model else "--output", hint="See stresslab calibrate --help"
        )
    for path, key in ((output, "--output"), (plot, "--plot")):
        if path is not None:
            require_writable(path, key)
    layout = Layout(utc, parse.parse_names(columns), dates, decimal, symbol)
    settings = fitting.FitSettings(source, asset, prices_are, accept_doubtful)
    say = terminal.print_data
    if options is not None:
        moment = parse.parse_date(at, "--at")
        found = fitting.from_chain(model, options, output, currency, unit, expiry, moment, settings, layout, say)
    elif prices:
        found = fitting.from_prices(model, prices, output, settings, layout, say)
    else:
        raise InputError("give a file of prices, or an option chain with --options", key="PRICES.csv")
    text, page = found.yaml, render_fit(found.fit, found.content, found.data, found.returns) if plot else ""
    write(output, text)
    if plot is not None:
        write(plot, page)
    fit_tables.print_fit(found.fit)
    terminal.say(f"wrote {output}" + (f" and {plot}" if plot else ""))


@app.command("filter")
def filter_(
    model: Annotated[Path, typer.Argument(metavar="MODEL.yaml", help="A model file of `stresslab calibrate`.")],
    prices: Annotated[list[Path], typer.Argument(metavar="PRICES.csv...", help="Bars up to tonight.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="OUT.yaml", help="Where it goes; MODEL.yaml without it.")
    ] = None,
    utc: Utc = False,
    columns: Columns = "",
    dates: Dates = "",
    decimal: Decimal = "",
    symbol: Symbol = "",
) -> None:
    """Bring the state of a model (variance, regime, jump intensity) to the end of the prices, without a refit.

    Example: stresslab filter heston.yaml BTCUSDT_1h.csv -o tonight.yaml
    """
    from stresslab import filtering, fit_tables, terminal
    from stresslab.backtest import parse
    from stresslab.files.layout import Layout
    from stresslab.files.targets import require_writable
    from stresslab.files.writing import write

    target = output or model
    require_writable(target, "--output")
    layout = Layout(utc, parse.parse_names(columns), dates, decimal, symbol)
    found = filtering.filter_file(model, prices, target, layout, terminal.print_data)
    write(target, found.yaml)
    fit_tables.print_filtered(found)
    terminal.say(f"wrote {target}")
