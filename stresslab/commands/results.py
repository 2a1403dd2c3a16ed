"""What was run before: reports, exports, history, differences."""

from pathlib import Path
from typing import Annotated

import typer

from stresslab.commands.app import StoreUrl, Tag, app


@app.command()
def report(
    store: StoreUrl,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.html", help="Where the page goes.")],
    run_: Tag = None,
) -> None:
    """Write the report of a run as one HTML page."""
    from stresslab import terminal
    from stresslab.files.targets import require_writable
    from stresslab.report import write_report
    from stresslab.store import open_store

    require_writable(output, "--output")
    opened = open_store(store, create=False, remark=terminal.quiet_or_print(False))
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

    export_dataset(
        open_store(store, create=False, remark=terminal.quiet_or_print(False)).read(run_), output, overwrite=overwrite
    )
    terminal.say(f"wrote {output}")


@app.command()
def runs(store: StoreUrl) -> None:
    """List the finished runs of a store, newest last."""
    from stresslab import terminal
    from stresslab.store import open_store

    terminal.print_runs(open_store(store, create=False, remark=terminal.quiet_or_print(False)).runs())


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

    opened = open_store(store, create=False, remark=terminal.quiet_or_print(False))
    terminal.print_table(compare_ruin(opened.read(run_a), opened.read(run_b)))
