"""Files of funding payments as venues give them, and what a naive loop over their rows sums to."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

AS_OF = 1_735_689_600  # 2025-01-01T00:00:00Z
HOUR = 3600
Row = tuple[float, float]  # seconds since 1970, rate


def every(hours: float, first: float, last: float, rate: float = 1e-4) -> list[Row]:
    """A payment every so many hours in (first, last], hours from `AS_OF`; each rate is a little larger."""
    n = int((last - first) / hours)
    return [(AS_OF + HOUR * (first + hours * k), rate * (1 + 0.01 * k)) for k in range(1, n + 1)]


def write(path: Path, rows: Iterable[Row], exchange: str = "") -> None:
    """Stamps in milliseconds; added to the file where it is there and the exchange is named."""
    lines = [f"{round(1000 * stamp)},{rate!r}" + (f",{exchange}" if exchange else "") for stamp, rate in rows]
    before = path.read_text() if exchange and path.exists() else ""
    head = "" if before else "timestamp,funding_rate" + (",exchange" if exchange else "") + "\n"
    path.write_text(before + head + "\n".join(lines) + "\n")


def received(
    rows: Iterable[Row], closes: Sequence[float], step: int, quantity: float, start: int = AS_OF
) -> tuple[int, float]:
    """How many payments a long makes by the last close, and what it receives: each rate of its notional at the close of
    the step that the payment falls into. `step` in seconds, fractions of a second of the stamps are cut off.
    """
    paid, total = 0, 0.0
    for stamp, rate in rows:
        due = math.floor(stamp) - start
        if 0 < due <= step * len(closes):
            paid, total = paid + 1, total - rate * quantity * closes[math.ceil(due / step) - 1]
    return paid, total
