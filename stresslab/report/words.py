"""Numbers and names as a reader wants them: digits driven by the standard error, units everywhere.

12.3482 % with an interval of 12.1 to 12.6 is written 12.3 %. A probability of no hits is written as its upper bound.
"""

import math
from typing import Any

from stresslab.units import SECONDS, parse_duration

UNIT_SPACE = "\u202f"  # narrow and no-break: between a number and its unit
MINUS = "\u2212"
NOTHING = "\u2013"
NEGLIGIBLE = 1e-3  # of the probability: a lower end that only very unsure parameters make so small is written as zero
_DURATION_WORDS = {"s": "second", "min": "minute", "h": "hour", "D": "day"}
_TIME_UNITS = {"days": 1.0, "day": 1.0, "D": 1.0, "hours": 1 / 24, "h": 1 / 24, "seconds": 1 / 86_400, "s": 1 / 86_400}


def _leading(value: float) -> int:
    """Decimals that show the leading digit of a positive value: 0.034 gives 2, 34 gives 0."""
    return max(0, -math.floor(math.log10(value * (1 + 1e-9)))) if value > 0 else 0


def _decimals(p: float, lower: float, upper: float) -> int:
    """Decimals of a percentage: the leading digit of the half width, and enough never to show 0 or 100."""
    half = 50 * (upper - lower)
    digits = _leading(half) if half > 0 else 2
    if 0 < p < 1:
        digits = max(digits, _leading(100 * p), _leading(100 * (1 - p)))
    return min(10, digits)


def probability(p: float, lower: float, upper: float) -> str:
    """A probability in percent; without hits, or without misses, it is the bound that the count allows."""
    if not math.isfinite(p):
        return NOTHING
    if p <= 0:
        digits = _leading(100 * upper) + 1
        return f"<{UNIT_SPACE}{math.ceil(100 * upper * 10**digits) / 10**digits:.{digits}f}{UNIT_SPACE}%"
    if p >= 1:
        digits = _leading(100 * (1 - lower)) + 1
        return f">{UNIT_SPACE}{math.floor(100 * lower * 10**digits) / 10**digits:.{digits}f}{UNIT_SPACE}%"
    return f"{100 * p:.{_decimals(p, lower, upper)}f}{UNIT_SPACE}%"


def interval(p: float, lower: float, upper: float, joint: str = " to ") -> str:
    """The interval in percent with the same digits, without the sign: "12.1 to 12.6"."""
    if not math.isfinite(p):
        return ""
    if p <= 0 or p >= 1:
        digits = _leading(100 * (upper - lower)) + 1
        return f"0{joint}{100 * upper:.{digits}f}" if p <= 0 else f"{100 * lower:.{digits}f}{joint}100"
    digits = _decimals(p, lower, upper)
    low = f"{100 * lower:.{digits}f}"
    if float(low) == 0 and lower > NEGLIGIBLE * p:  # there were hits, so the lower end is not zero either
        low = f"{100 * lower:.{min(10, _leading(100 * lower))}f}"
    return f"{low}{joint}{100 * upper:.{digits}f}"


def with_interval(p: float, lower: float, upper: float) -> str:
    """'12.3 % (12.1 to 12.6 %)', or the bound alone where nothing was hit."""
    value = probability(p, lower, upper)
    return value if not 0 < p < 1 else f"{value} ({interval(p, lower, upper)}{UNIT_SPACE}%)"


def share(fraction: float, digits: int = 3) -> str:
    """A fraction in percent to so many significant digits, for figures that have no interval of their own."""
    text = quantity(100 * fraction, digits)
    return text if text == NOTHING else f"{text}{UNIT_SPACE}%"


def tenths(fraction: float) -> str:
    """A measured fraction in percent with one decimal, so that columns align."""
    return f"{number(100 * fraction, 1)}{UNIT_SPACE}%" if math.isfinite(fraction) else NOTHING


def number(value: float, decimals: int = 0) -> str:
    """A number with thousands separators and a true minus sign."""
    text = f"{value:,.{decimals}f}"
    if text.strip("-0.,") == "":  # never minus zero
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def money(value: float, se: float) -> tuple[str, str]:
    """A mean and its standard error, the error to two significant digits: ("-1,234.5", "+- 6.7"); exact without one."""
    if not math.isfinite(value):
        return NOTHING, ""
    if not math.isfinite(se) or se <= 1e-9 * abs(value):
        return quantity(value), ""
    decimals = min(10, max(0, 1 - math.floor(math.log10(se))))
    return number(value, decimals), f"\u00b1{UNIT_SPACE}{number(se, decimals)}"


def quantity(value: float, digits: int = 6) -> str:
    """An exact quantity or price to so many significant digits; never in powers of ten between 1e-8 and 1e12."""
    if not math.isfinite(value):
        return NOTHING
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    text = number(value, min(12, decimals))
    return text.rstrip("0").rstrip(".") if "." in text else text


def label(dim: str, value: Any) -> str:
    """One coordinate value on its own: 10 of leverage is "10x"."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,.10g}".replace("-", MINUS) + ("x" if dim == "leverage" else "")
    return str(value)


def named(dim: str, value: Any) -> str:
    """One coordinate value where its dimension is not clear from the place: "sigma 0.5", but "10x" and "long"."""
    if dim == "policies":
        return "no policies" if value == "none" else label(dim, value)
    return label(dim, value) if dim in ("leverage", "side", "model", "horizon") else f"{title(dim)} {label(dim, value)}"


def cell_name(coords: dict[str, Any]) -> str:
    """All coordinates of a cell on one line."""
    return " \u00b7 ".join(named(dim, value) for dim, value in coords.items())


def title(dim: str) -> str:
    """A dimension's name as words."""
    return dim.replace("_", " ")


def horizon_words(horizon: str) -> str:
    """'7D' as "7 days"."""
    seconds = parse_duration(horizon)
    unit = next(unit for unit, size in reversed(SECONDS.items()) if seconds % size == 0)
    count = seconds // SECONDS[unit]
    return f"{count:,} {_DURATION_WORDS[unit]}{'' if count == 1 else 's'}"


def event_words(event: str) -> str:
    """An event inside a sentence: "loss_50" as "a loss of 50 %"."""
    if event == "adl":
        return "deleveraging (ADL)"
    return f"a loss of {event[5:]}{UNIT_SPACE}% of the account" if event.startswith("loss_") else title(event)


def span(value: float, units: str) -> str:
    """A time in the unit that reads best: "3.2 days", "14 h", "35 min"."""
    if not math.isfinite(value):
        return ""
    days = value * _TIME_UNITS.get(units, 1.0)
    if days >= 2:
        return f"{days:.1f}{UNIT_SPACE}days"
    return f"{days * 24:.1f}{UNIT_SPACE}h" if days * 24 >= 1 else f"{days * 1440:.0f}{UNIT_SPACE}min"


def seconds_words(seconds: float) -> str:
    """A run time: "48 s", "12 min 5 s", "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f}{UNIT_SPACE}s" if seconds < 10 else f"{whole}{UNIT_SPACE}s"
    if whole < 3600:
        return f"{whole // 60}{UNIT_SPACE}min {whole % 60}{UNIT_SPACE}s"
    return f"{whole // 3600}{UNIT_SPACE}h {whole % 3600 // 60}{UNIT_SPACE}min"


def figure_text(text: str) -> str:
    """Text for a plotly figure, which reads some HTML: written so that every character is shown as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
