"""What the commands share: the application, options that several of them take, exit codes."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

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
Columns = Annotated[
    str, typer.Option(help="Names of the table's columns in their order, such as timestamp,open,high,low,close,volume.")
]
Dates = Annotated[str, typer.Option(metavar="FORMAT", help="Format of dates, such as %d/%m/%Y.")]
Decimal = Annotated[str, typer.Option(help="Decimal separator: point or comma.")]
Symbol = Annotated[str, typer.Option(help="Instrument to read from a table with several.")]
Strict = Annotated[bool, typer.Option("--strict", help="Make every warning about the study an error.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the result and warnings.")]


def fail(message: str, status: int) -> NoReturn:
    """One message, and out."""
    typer.echo(f"stresslab: {message}", err=True)
    sys.exit(status)
