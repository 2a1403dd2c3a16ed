"""Bars in a table without a header line: which column holds what is told by the figures, or refused.

Binance's archive, Kraken's OHLCVT, and the lists that Binance, Bybit, OKX, KuCoin, Bitfinex, Coinbase and ccxt return
begin with the open time, four prices and a volume. The order of the prices differs between venues; the columns of the
highest and the lowest price tell it.
"""

import numpy as np
import pandas as pd

from stresslab.errors import InputError
from stresslab.files.numbers import numbers

ORDERS = (("open", "high", "low", "close"), ("open", "close", "high", "low"), ("low", "high", "open", "close"))
HINT = "Add a header line, or give --columns timestamp,open,high,low,close,volume with a name for each column"


def name_columns(frame: pd.DataFrame, file: str) -> tuple[pd.DataFrame, str]:
    """The table with names, and what was taken for what; InputError where more than one reading is possible."""
    width = frame.shape[1]
    clock = width > 2 and bool(frame[1].astype(str).str.fullmatch(r"\d{1,2}:\d\d(:\d\d)?").all())
    names = ["date", "time"] if clock else ["timestamp"]
    left = width - len(names)
    if left == 1:
        names.append("close")
    elif left >= 4:
        names += [*_order(frame, len(names), file)] + (["volume"] if left > 4 else [])
        # OKX ends a row with 1 where the bar is complete
        names += ["confirm"] if width == 9 and set(frame[8].astype(str)) <= {"0", "1"} and not clock else []
        extra = width - len(names)
        at = -1 if names[-1] == "confirm" else len(names)
        names[at:at] = [f"column {place}" for place in range(len(names) + (at == len(names)), len(names) + extra + 1)][
            :extra
        ]
    else:
        rule = f"the header line is missing, and {width} columns without names cannot be told apart"
        raise InputError(rule, file=file, got=", ".join(map(str, frame.iloc[0])), hint=HINT)
    known = [name for name in names if not name.startswith("column ")]
    return frame.set_axis(names, axis=1), f"no header line: {width} columns taken as {', '.join(known)}"


def _order(frame: pd.DataFrame, first: int, file: str) -> tuple[str, ...]:
    """The one order of the prices in which no row contradicts itself."""
    prices = np.column_stack([numbers(frame[place]) for place in range(first, first + 4)])
    highest, lowest = prices.max(axis=1), prices.min(axis=1)
    fits = [
        order
        for order in ORDERS
        if np.mean((prices[:, order.index("high")] == highest) & (prices[:, order.index("low")] == lowest)) > 0.9
    ]
    if len(fits) == 1:
        return fits[0]
    why = "several orders of the prices fit" if fits else "no order of the prices fits"
    rule = f"the header line is missing, and {why}"
    raise InputError(rule, file=file, got=", ".join(map(str, frame.iloc[0])), hint=HINT)
