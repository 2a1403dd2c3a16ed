"""Models from data, and their state brought to tonight."""

from pathlib import Path
from typing import Annotated

import typer

from stresslab.commands.app import Utc, app
from stresslab.errors import InputError


@app.command()
def calibrate(
    prices: Annotated[
        Path | None, typer.Argument(metavar="[PRICES.csv]", help="Bars, CSV or Parquet: stamp, and close or OHLC.")
    ] = None,
    model: Annotated[str, typer.Option(help="The kind of model, such as garch: see `stresslab models`.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="MODEL.yaml", help="Where the parameters go.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FIT.html", help="Write a page of the fit too.")] = None,
    options: Annotated[Path | None, typer.Option(metavar="CHAIN.csv", help="Fit to an option chain instead.")] = None,
    currency: Annotated[str, typer.Option(help="Which underlying of the chain, such as BTC.")] = "",
    unit: Annotated[str, typer.Option(help="Prices of the chain: coin or quote; told from them without it.")] = "",
    expiry: Annotated[str, typer.Option(help="Only the expiry of the chain nearest to this, such as 30D.")] = "",
    source: Annotated[str, typer.Option(help="Where the data are from; kept in the file.")] = "",
    asset: Annotated[str, typer.Option(help="Whose prices they are, such as BTC; kept in the file.")] = "",
    prices_are: Annotated[str, typer.Option(help="Kind of price: spot, last or mark; kept in the file.")] = "",
    accept_doubtful: Annotated[
        bool, typer.Option("--accept-doubtful", help="Write a doubtful fit too, with its doubts in the file.")
    ] = False,
    utc: Utc = False,
) -> None:
    """Fit a model to prices or to an option chain, say how well it fits, and write its parameters.

    Example: stresslab calibrate BTCUSDT_1h.csv --model heston -o heston.yaml --plot heston.html
    """
    from stresslab import fitting, terminal
    from stresslab.report.fit_page import render_fit
    from stresslab.report.html import write_whole

    if output is None or not model:
        raise InputError(
            "is required", key="--model" if not model else "--output", hint="See stresslab calibrate --help"
        )
    for path, key in ((output, "--output"), (plot, "--plot")):
        if path is not None:
            terminal.require_writable(path, key)
    told = fitting.Told(source, asset, prices_are, accept_doubtful)
    if options is not None:
        found = fitting.from_chain(model, options, output, currency, unit, expiry, source, told)
    elif prices is not None:
        found = fitting.from_prices(model, prices, output, source, utc, told)
    else:
        raise InputError("give a file of prices, or an option chain with --options", key="PRICES.csv")
    text, page = found.yaml, render_fit(found.fit, found.content, found.data, found.returns) if plot else ""
    write_whole(text, output)
    if plot is not None:
        write_whole(page, plot)
    terminal.print_fit(found.fit, found.data)
    terminal.say(f"wrote {output}" + (f" and {plot}" if plot else ""))


@app.command("filter")
def filter_(
    model: Annotated[Path, typer.Argument(metavar="MODEL.yaml", help="A model file of `stresslab calibrate`.")],
    prices: Annotated[Path, typer.Argument(metavar="PRICES.csv", help="Bars up to tonight.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="OUT.yaml", help="Where it goes; MODEL.yaml without it.")
    ] = None,
    utc: Utc = False,
) -> None:
    """Bring the state of a model (variance, regime, jump intensity) to the end of the prices, without a refit.

    Example: stresslab filter heston.yaml BTCUSDT_1h.csv -o tonight.yaml
    """
    from stresslab import fitting, terminal
    from stresslab.report.html import write_whole

    target = output or model
    terminal.require_writable(target, "--output")
    found = fitting.filter_file(model, prices, target, utc)
    write_whole(found.yaml, target)
    terminal.print_filtered(found)
    terminal.say(f"wrote {target}")
