"""One made-up market of hourly bars, written in the layouts in which venues and libraries give such data."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

START, HOUR = 1_704_067_200, 3600  # 2024-01-01T00:00:00Z


class Market(NamedTuple):
    stamps: np.ndarray  # seconds
    prices: np.ndarray  # open, high, low, close
    volumes: np.ndarray


def market(n: int = 60, seconds: int = HOUR, seed: int = 3) -> Market:
    """Bars whose closes are four numbers of every kind: all differ, so that a column in the wrong place is noticed."""
    draw = np.random.default_rng(seed)
    close = np.round(60_000 * np.exp(np.cumsum(0.006 * draw.standard_normal(n))), 2)
    opens = np.concatenate([[60_000.0], close[:-1]])
    high = np.round(np.maximum(opens, close) * (1 + 0.002 * draw.random(n)) + 0.01, 2)
    low = np.round(np.minimum(opens, close) * (1 - 0.002 * draw.random(n)) - 0.01, 2)
    return Market(
        START + seconds * np.arange(n), np.column_stack([opens, high, low, close]), np.round(1 + 9 * draw.random(n), 3)
    )


def text(rows: list[list[object]], header: str = "", divider: str = ",") -> str:
    lines = [divider.join(str(field) for field in row) for row in rows]
    return "\n".join([*([header] if header else []), *lines]) + "\n"


def at(stamp: int, form: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    return datetime.fromtimestamp(int(stamp), UTC).strftime(form)


def _rows(m: Market, stamp: Callable[[int], object], order: tuple[int, ...] = (0, 1, 2, 3)) -> list[list[object]]:
    return [
        [stamp(int(s)), *(float(p[place]) for place in order), float(v)]
        for s, p, v in zip(m.stamps, m.prices, m.volumes, strict=True)
    ]


def binance_archive(m: Market) -> str:
    """No header line, 12 columns, microseconds."""
    rest = [HOUR * 10**6 - 1, 1.5, 20, 0.5, 0.7, 0]
    return text([[*row, row[0] + rest[0], *rest[1:]] for row in _rows(m, lambda s: s * 10**6)])  # type: ignore[operator]


def binance_futures_archive(m: Market) -> str:
    head = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,ignore"
    return text([[*row, row[0] + 3_599_999, 1.5, 20, 0.5, 0] for row in _rows(m, lambda s: s * 1000)], head)  # type: ignore[operator]


def binance_interface(m: Market) -> str:
    rows = [[row[0], *map(str, row[1:]), row[0] + 3_599_999, "1.5", 20, "0.5", "0.7", "0"] for row in _ms(m)]  # type: ignore[operator]
    return json.dumps(rows)


def _ms(m: Market) -> list[list[object]]:
    return _rows(m, lambda s: s * 1000)


def bybit_interface(m: Market) -> str:
    rows = [[str(field) for field in [*row, 1.5]] for row in reversed(_ms(m))]
    return json.dumps({"retCode": 0, "result": {"symbol": "BTCUSDT", "category": "linear", "list": rows}, "time": 1})


def okx_interface(m: Market) -> str:
    rows = [[str(field) for field in [*row, 1.5, 2.5]] + ["1"] for row in reversed(_ms(m))]
    return json.dumps({"code": "0", "msg": "", "data": rows})


def okx_running_bar(m: Market) -> str:
    running = [str((int(m.stamps[-1]) + HOUR) * 1000), "1", "2", "0.5", "1.5", "1", "1", "1", "0"]
    rows = [running] + [[str(field) for field in [*row, 1.5, 2.5]] + ["1"] for row in reversed(_ms(m))]
    return text(rows, "ts,o,h,l,c,vol,volCcy,volCcyQuote,confirm")


def kraken_archive(m: Market) -> str:
    return text([[*row, 12] for row in _rows(m, lambda s: s)])


def bitfinex_interface(m: Market) -> str:
    return json.dumps(list(reversed(_rows(m, lambda s: s * 1000, (0, 3, 1, 2)))))


def coinbase_interface(m: Market) -> str:
    return json.dumps(list(reversed(_rows(m, lambda s: s, (2, 1, 0, 3)))))


def deribit_interface(m: Market) -> str:
    columns = {name: m.prices[:, place].tolist() for place, name in enumerate(("open", "high", "low", "close"))}
    result = {"ticks": (m.stamps * 1000).tolist(), "volume": m.volumes.tolist(), "status": "ok", **columns}
    return json.dumps({"jsonrpc": "2.0", "result": {**result, "cost": m.volumes.tolist()}, "usIn": 1})


def crypto_data_download(m: Market) -> str:
    head = "https://www.example.com\nUnix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT,tradecount"
    rows = [
        [r[0], at(s, "%Y-%m-%d %H:%M:%S"), "BTCUSDT", *r[1:], 9.5, 3] for r, s in zip(_ms(m), m.stamps, strict=True)
    ]
    return text(rows[::-1], head)


def trading_view(m: Market) -> str:
    return text(_rows(m, lambda s: s), "time,open,high,low,close,Volume")


def trading_view_offset(m: Market) -> str:
    def berlin(stamp: int) -> str:
        return at(stamp + HOUR, "%Y-%m-%dT%H:%M:%S") + "+01:00"

    return text(_rows(m, berlin), "time,open,high,low,close,Volume")


def ccxt_list(m: Market) -> str:
    return json.dumps(_ms(m))


def ccxt_frame(m: Market) -> str:
    rows = [[row[0], at(int(s)), *row[1:]] for row, s in zip(_ms(m), m.stamps, strict=True)]
    return text(rows, "timestamp,datetime,open,high,low,close,volume")


def pandas_index(m: Market) -> str:
    return text(_rows(m, lambda s: at(s, "%Y-%m-%d %H:%M:%S+00:00")), ",open,high,low,close,volume")


def comments_on_top(m: Market) -> str:
    head = "# bars of BTCUSDT\n# from a venue\n\ntimestamp,open,high,low,close,volume"
    return text(_rows(m, at), head)


def header_in_a_comment(m: Market) -> str:
    return text(_rows(m, at), "#timestamp,open,high,low,close,volume")


def semicolons_and_mark(m: Market) -> str:
    return "\ufeff" + text(_rows(m, at), "timestamp;open;high;low;close;volume", ";").replace("\n", "\r\n")


def decimal_commas(m: Market) -> str:
    rows = [[row[0], *(str(field).replace(".", ",") for field in row[1:])] for row in _rows(m, at)]
    return "sep=;\n" + text(rows, "timestamp;open;high;low;close;volume", ";")


def thousands_in_quotes(m: Market) -> str:
    rows = [[row[0], *(f'"{field:,.2f}"' for field in row[1:])] for row in _rows(m, at)]
    return text(rows, '"timestamp","open","high","low","close","volume"')


def seconds_then_microseconds(m: Market) -> str:
    return text(_rows(m, lambda s: s if s < START + 30 * HOUR else s * 10**6), "timestamp,open,high,low,close,volume")


def date_and_time(m: Market) -> str:
    rows = [[at(row[0], "%Y.%m.%d"), at(row[0], "%H:%M"), *row[1:]] for row in _rows(m, lambda s: s)]  # type: ignore[arg-type]
    return text(rows, "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>", "\t")


def doubled_rows(m: Market) -> str:
    rows = _rows(m, at)
    return text(
        [*rows[:20], *(row for one in rows[20:25] for row in (one, one)), *rows[25:]], "time,open,high,low,close,volume"
    )


def columns_of_json(m: Market) -> str:
    return pd.DataFrame(_ms(m), columns=["date", "open", "high", "low", "close", "volume"]).to_json(orient="records")


def lines_of_json(m: Market) -> str:
    names = ["startTime", "openPrice", "highPrice", "lowPrice", "closePrice", "volume"]
    return "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in _ms(m))


def yfinance(m: Market) -> str:
    """Two levels: price and ticker, naive stamps."""
    head = "Price,Close,High,Low,Open,Volume\nTicker,BTC-USD,BTC-USD,BTC-USD,BTC-USD,BTC-USD\nDatetime,,,,,"
    return text(_rows(m, lambda s: at(s, "%Y-%m-%d %H:%M:%S"), (3, 1, 2, 0)), head)


def yfinance_older(m: Market) -> str:
    return text(
        [[*row[:5], row[4], row[5]] for row in _rows(m, lambda s: at(s, "%Y-%m-%d %H:%M:%S"))],
        "Datetime,Open,High,Low,Close,Adj Close,Volume",
    )


WITH_ZONE: dict[str, Callable[[Market], str]] = {
    one.__name__: one
    for one in (
        binance_archive,
        binance_futures_archive,
        binance_interface,
        bybit_interface,
        okx_interface,
        okx_running_bar,
        kraken_archive,
        bitfinex_interface,
        coinbase_interface,
        deribit_interface,
        crypto_data_download,
        trading_view,
        trading_view_offset,
        ccxt_list,
        ccxt_frame,
        pandas_index,
        comments_on_top,
        header_in_a_comment,
        semicolons_and_mark,
        decimal_commas,
        thousands_in_quotes,
        seconds_then_microseconds,
        doubled_rows,
        columns_of_json,
        lines_of_json,
    )
}
NAIVE: dict[str, Callable[[Market], str]] = {one.__name__: one for one in (yfinance, yfinance_older, date_and_time)}


def write(folder: Path, content: str, name: str = "prices.csv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8", newline="")
    return path
