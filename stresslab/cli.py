"""The command line: parse, call, print.

Heavy modules are imported inside the commands, so that `--help` answers at once. Exit codes: 0 fine, 1 the run failed,
2 the input is wrong, 3 finished and a limit is breached.
"""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from stresslab.errors import InputError, StresslabError

FAILED, WRONG_INPUT, BREACHED, INTERRUPTED = 1, 2, 3, 130

app = typer.Typer(
    help="Probability of ruin of leveraged crypto derivative books, with an honest interval.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.")]
StoreUrl = Annotated[str, typer.Argument(metavar="STORE", help="A folder, or s3:// or gs:// address, of runs.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a value of the study, by its dotted path."),
]
Tag = Annotated[str | None, typer.Option("--run", metavar="TAG", help="Which run; the newest without it.")]
Scheduler = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Run on the workers of this Dask scheduler.")]
Workers = Annotated[int, typer.Option(min=0, help="Run on so many local processes; 0 runs in this one.")]
Utc = Annotated[bool, typer.Option("--utc", help="Stamps without a zone are UTC.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the result.")]


@app.command()
def run(
    study: StudyFile,
    store: Annotated[str, typer.Option(metavar="URL", help="Where the run is kept.")] = "results",
    scheduler: Scheduler = None,
    workers: Workers = 0,
    set_: Overrides = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not go on with an unfinished run.")] = False,
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write the report too.")] = None,
    quiet: Quiet = False,
) -> None:
    """Run a study, keep the result, say what came out.

    Example: stresslab run configs/studies/quickstart.yaml --report report.html
    """
    from stresslab.config import load_study
    from stresslab.grid.plan import check_runnable, make_plan

    plan = make_plan(load_study(study, set_ or ()))
    check_runnable(plan)

    from stresslab import limits, terminal
    from stresslab.execution import run_into_store
    from stresslab.report import write_report
    from stresslab.store import open_store

    if report is not None:
        terminal.require_writable(report, "--report")
    opened = open_store(store)
    try:
        with terminal.executor(scheduler, workers) as executor, terminal.progress(quiet) as progress:
            finished = run_into_store(plan, executor, opened, fresh, progress, terminal.quiet_or_print(quiet))
    except KeyboardInterrupt:
        _fail("stopped; the same command goes on where it was", INTERRUPTED)
    if report is not None:
        write_report(finished.dataset, finished.provenance, report)
    results = limits.evaluate(finished.dataset)
    if not quiet:
        terminal.print_answer(finished.dataset)
    terminal.print_limits(results)
    terminal.say(f"run {finished.tag} is in {store}" + (f", the report in {report}" if report else ""))
    raise typer.Exit(BREACHED if limits.breached(results) else 0)


@app.command()
def check(study: StudyFile, set_: Overrides = None) -> None:
    """Validate a study and print its plan; run nothing."""
    from stresslab import terminal
    from stresslab.config import load_study
    from stresslab.grid.plan import make_plan

    terminal.print_plan(make_plan(load_study(study, set_ or ())))


@app.command("max-leverage")
def max_leverage(
    study: StudyFile,
    ruin: Annotated[float, typer.Option(min=0.0, max=1.0, help="The largest acceptable probability of ruin.")],
    horizon: Annotated[str, typer.Option(help="One of the study's horizons.")],
    set_: Overrides = None,
    workers: Workers = 0,
    quiet: Quiet = False,
) -> None:
    """Find the largest leverage whose ruin probability stays below a bound, upper end of the interval included."""
    from stresslab import terminal
    from stresslab.config import load_study
    from stresslab.execution import run_plan
    from stresslab.grid.plan import make_plan
    from stresslab.leverage import largest_leverage, with_leverages

    plan = make_plan(with_leverages(load_study(study, set_ or ()), ruin, horizon))
    with terminal.executor(None, workers) as executor, terminal.progress(quiet) as progress:
        dataset = run_plan(plan, executor, progress)
    terminal.print_table(largest_leverage(dataset, ruin, horizon))


@app.command()
def report(
    store: StoreUrl,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.html", help="Where the page goes.")],
    run_: Tag = None,
) -> None:
    """Write the report of a run as one HTML page."""
    from stresslab import terminal
    from stresslab.report import write_report
    from stresslab.store import open_store

    terminal.require_writable(output, "--output")
    opened = open_store(store, create=False)
    write_report(opened.read(run_), opened.provenance(run_), output)
    terminal.say(f"wrote {output}")


@app.command()
def export(
    store: StoreUrl,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Ends in nc, zarr, csv, parquet or json.")
    ],
    run_: Tag = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
) -> None:
    """Write a run as NetCDF, Zarr, CSV, Parquet or JSON."""
    from stresslab import terminal
    from stresslab.store import export as export_dataset
    from stresslab.store import open_store

    export_dataset(open_store(store, create=False).read(run_), output, overwrite=overwrite)
    terminal.say(f"wrote {output}")


@app.command()
def runs(store: StoreUrl) -> None:
    """List the finished runs of a store, newest last."""
    from stresslab import terminal
    from stresslab.store import open_store

    terminal.print_runs(open_store(store, create=False).runs())


@app.command()
def compare(
    store: StoreUrl,
    run_a: Annotated[str, typer.Argument(metavar="RUN_A")],
    run_b: Annotated[str, typer.Argument(metavar="RUN_B")],
) -> None:
    """Show how ruin probabilities changed from one run to another."""
    from stresslab import terminal
    from stresslab.compare import compare_ruin
    from stresslab.store import open_store

    opened = open_store(store, create=False)
    terminal.print_table(compare_ruin(opened.read(run_a), opened.read(run_b)))


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
    if options is not None:
        found = fitting.from_chain(model, options, output, currency, unit, expiry, source)
    elif prices is not None:
        found = fitting.from_prices(model, prices, output, source, utc)
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
    rulebook: Annotated[str | None, typer.Option(help="Take the liquidation price from this rulebook.")] = None,
    notional: Annotated[float, typer.Option(help="Size of the position, for the rulebook's tier.")] = 10_000.0,
    paths: Annotated[int, typer.Option(help="Simulated paths for each forecast.")] = 16_384,
    seed: Annotated[int, typer.Option(help="Of the simulation and of the bootstrap.")] = 1,
    data: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the dataset too: .nc or .zarr.")] = None,
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep forecasts here, to go on if stopped.")] = None,
    quiet: Quiet = False,
) -> None:
    """Forecast liquidation over past prices and compare with what happened.

    Example: stresslab backtest BTCUSDT_1h.csv --models gbm,garch --leverage 10,20,50 -o backtest.html
    """
    from stresslab import terminal
    from stresslab.backtest import Question, parse, read_history, run_backtest
    from stresslab.backtest.page import summary, write_page
    from stresslab.store import export as export_dataset

    sides, leverages = parse.parse_names(side), parse.parse_leverages(leverage)
    levels, rules = parse.liquidation_levels(sides, leverages, mmr, rulebook, notional)
    spans = parse.parse_spans(horizon, every, window, refit)
    dates = parse.parse_date(from_, "--from"), parse.parse_date(to, "--to")
    question = Question(parse.parse_names(models), sides, leverages, levels, rules, spans, paths, seed, *dates)
    parse.check_data_file(data)
    for path, key in ((output, "--output"), (data, "--data")):
        if path is not None and not (key == "--data" and path.suffix == ".zarr"):
            terminal.require_writable(path, key)
    try:
        with terminal.progress(quiet) as progress:
            dataset = run_backtest(read_history(prices), question, progress, keep)
    except KeyboardInterrupt:
        _fail("stopped" + ("" if keep is None else "; the same command goes on where it was"), INTERRUPTED)
    if data is not None:
        export_dataset(dataset, data, overwrite=True)
    write_page(dataset, output)
    if not quiet:
        terminal.print_table(summary(dataset))
    terminal.say(f"wrote {output}" + (f" and {data}" if data else ""))


@app.command()
def models() -> None:
    """List the volatility models and their parameters."""
    from stresslab import terminal

    terminal.print_models()


@app.command()
def venues() -> None:
    """List the rulebooks that come with stresslab."""
    from stresslab import terminal

    terminal.print_venues()


@app.command()
def schema() -> None:
    """Print the JSON schema of a study file."""
    import json

    from stresslab.config import study_schema

    typer.echo(json.dumps(study_schema(), indent=2))


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")]) -> None:
    """Copy the studies, models and rulebooks that come with stresslab into a folder."""
    import shutil

    from stresslab import terminal
    from stresslab.shipped import config_root

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError("must be a new or empty folder", key="DIR", got=str(folder), hint="Name another")
    terminal.require_writable(folder, "DIR")
    shutil.copytree(config_root(), folder, dirs_exist_ok=True)
    terminal.say(f"wrote {folder}; now try: stresslab run {folder}/studies/quickstart.yaml --report report.html")


@app.command()
def doctor() -> None:
    """Say what stresslab finds on this machine."""
    from stresslab import terminal

    terminal.print_doctor()


def main() -> NoReturn:
    """Entry point: refusals become one message and an exit code, never a traceback."""
    try:
        app()
    except InputError as error:
        _fail(str(error), WRONG_INPUT)
    except StresslabError as error:
        _fail(str(error), FAILED)
    sys.exit(0)


def _fail(message: str, status: int) -> NoReturn:
    typer.echo(f"stresslab: {message}", err=True)
    sys.exit(status)
