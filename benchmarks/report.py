"""What is printed, and what is kept as JSON."""

from statistics import median
from typing import Any

from benchmarks.harness import Figure, Section, Timing


def section_lines(section: Section) -> list[str]:
    """The timings of one benchmark, then its notes."""
    lines = ["", section.title]
    lines += [f"  {_timing(timing)}" for timing in section.timings]
    lines += [f"  {note}" for note in section.notes]
    return lines


def _timing(timing: Timing) -> str:
    rates = sorted(timing.rates)
    spread = f"{median(rates) / 1e6:9.4g} M {timing.case.unit}/s [{rates[0] / 1e6:.4g} .. {rates[-1] / 1e6:.4g}]"
    warm = f"warm {median(timing.seconds):.3g} s"
    core = median(timing.case.work / busy for busy in timing.busy) / 1e6
    warm += f", {core:.4g} M per core-second" if timing.case.unit.endswith("steps") else ""
    cold = "".join(f", {name} {value:.3g} s" for name, value in (timing.cold or {}).items())
    checked = "" if timing.deviation is None else f"; off by {timing.deviation:.1f} se at most"
    return f"{timing.case.name:<44}{spread}; {warm}{cold}{checked}"


def table(sections: dict[str, Section]) -> list[str]:
    """Target and reached, a line for each figure."""
    lines = ["", f"{'benchmark':<18}{'figure':<74}{'median':>9}{'min':>9}{'max':>9}  {'target':<9}reached"]
    for name, section in sections.items():
        lines += [f"{name:<18}{_figure(figure)}" for figure in section.figures]
    return lines


def _figure(figure: Figure) -> str:
    target = "" if figure.target is None else f"{'<=' if figure.at_most else '>='} {figure.target:g}"
    reached = {None: "", True: "yes", False: "NO"}[figure.reached]
    values = "".join(f"{value:>9.4g}" for value in (figure.median, min(figure.values), max(figure.values)))
    return f"{figure.name + ' (' + figure.unit + ')':<74}{values}  {target:<9}{reached}"


def as_json(section: Section) -> dict[str, Any]:
    """Everything that was measured, raw seconds included."""
    return {
        "title": section.title,
        "timings": [
            {
                "name": timing.case.name,
                "work": timing.case.work,
                "unit": timing.case.unit,
                "seconds": timing.seconds,
                "core_seconds": timing.busy,
                "rate_median": median(timing.rates),
                "cold": timing.cold,
                "largest_deviation_se": timing.deviation,
            }
            for timing in section.timings
        ],
        "figures": [
            {
                "name": figure.name,
                "unit": figure.unit,
                "median": figure.median,
                "min": min(figure.values),
                "max": max(figure.values),
                "values": figure.values,
                "target": figure.target,
                "at_most": figure.at_most,
                "reached": figure.reached,
            }
            for figure in section.figures
        ],
        "notes": section.notes,
    }
