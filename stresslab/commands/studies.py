"""Running a study, and asking it for a leverage."""

from pathlib import Path
from typing import Annotated

import typer

from stresslab.commands.app import (
    BREACHED,
    INTERRUPTED,
    Overrides,
    Quiet,
    Scheduler,
    Strict,
    StudyFile,
    Workers,
    app,
    fail,
)


@app.command()
def run(
    study: StudyFile,
    store: Annotated[str, typer.Option(metavar="URL", help="Where the run is kept.")] = "results",
    scheduler: Scheduler = None,
    workers: Workers = 0,
    set_: Overrides = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not go on with an unfinished run.")] = False,
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write the report too.")] = None,
    strict: Strict = False,
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
    from stresslab.files.targets import require_writable
    from stresslab.report import write_report
    from stresslab.store import open_store

    if report is not None:
        require_writable(report, "--report")
    terminal.report_doubts(plan, strict)
    remark = terminal.quiet_or_print(quiet)
    try:
        with terminal.executor(scheduler, workers) as executor:
            opened = open_store(store, remark=remark)  # nothing is written before the run is known to work
            terminal.count_unverified(plan.study, remark)
            if plan.study.recorded is not None:
                terminal.print_data(plan.study.recorded.words(), quiet)
            with terminal.progress(quiet) as progress:
                finished = run_into_store(plan, executor, opened, fresh, progress, remark)
    except KeyboardInterrupt:
        fail("stopped; the same command goes on where it was", INTERRUPTED)
    if report is not None:
        write_report(finished.dataset, finished.provenance, report)
    results = limits.evaluate(finished.dataset)
    if not quiet:
        terminal.print_answer(finished.dataset)
    terminal.print_limits(results)
    terminal.say(f"run {finished.tag} is in {store}" + (f", the report in {report}" if report else ""))
    raise typer.Exit(BREACHED if limits.breached(results) else 0)


@app.command()
def check(study: StudyFile, set_: Overrides = None, strict: Strict = False) -> None:
    """Validate a study and print its plan; run nothing."""
    from stresslab import terminal
    from stresslab.config import load_study
    from stresslab.grid.plan import make_plan

    plan = make_plan(load_study(study, set_ or ()))
    terminal.report_doubts(plan, strict)
    terminal.print_plan(plan)


@app.command("max-leverage")
def max_leverage(
    study: StudyFile,
    ruin: Annotated[float, typer.Option(min=0.0, max=1.0, help="The largest acceptable probability of ruin.")],
    horizon: Annotated[str, typer.Option(help="One of the study's horizons.")],
    set_: Overrides = None,
    workers: Workers = 0,
    strict: Strict = False,
    quiet: Quiet = False,
) -> None:
    """Find the largest leverage whose ruin probability stays below a bound, upper end of the interval included."""
    from stresslab import terminal
    from stresslab.config import load_study
    from stresslab.execution import run_plan
    from stresslab.grid.plan import make_plan
    from stresslab.leverage import largest_leverage, with_leverages

    plan = make_plan(with_leverages(load_study(study, set_ or ()), ruin, horizon))
    terminal.report_doubts(plan, strict)
    with terminal.executor(None, workers) as executor, terminal.progress(quiet) as progress:
        dataset = run_plan(plan, executor, progress)
    terminal.print_table(largest_leverage(dataset, ruin, horizon))
