"""The header of a data frame whose columns have two levels, price and ticker, as `to_csv` writes it.

Price,Close,High,Low,Open,Volume
Ticker,BTC-USD,BTC-USD,BTC-USD,BTC-USD,BTC-USD
Date,,,,,
"""

import pandas as pd

from stresslab.errors import require

_PRICES = frozenset(("open", "high", "low", "close", "adj close", "volume", "price"))


def one_level(frame: pd.DataFrame, header: list[list[str]], symbol: str, file: str) -> tuple[pd.DataFrame, str]:
    """The columns of one ticker, named by the level of the prices; and what is to be said of it."""
    width = frame.shape[1]
    alike = all(len(row) == width for row in header)
    hint = "Keep one header line"
    require(alike, "the header lines have other numbers of fields than the rows", file=file, got=header[0], hint=hint)
    scores = [sum(field.lower() in _PRICES for field in row[1:]) for row in header]
    names = header[scores.index(max(scores))]
    others = [row for row in header if row is not names and any(row[1:])]
    rule = "of several header lines one names the prices and one the tickers"
    require(max(scores) > 0 and len(others) <= 1, rule, file=file, got=names, hint=hint)
    tickers = others[0] if others else [""] * width
    index = next((row[0] for row in header if not any(row[1:])), "") or "index"
    known = list(dict.fromkeys(ticker for ticker in tickers[1:] if ticker))
    rule = f"holds prices of {', '.join(known)}: choose one"
    require(bool(symbol) or len(known) <= 1, rule, file=file, key="--symbol", hint="Give --symbol")
    require(not symbol or symbol in known, rule, file=file, key="--symbol", got=symbol)
    chosen = symbol or (known[0] if known else "")
    kept = [0] + [place for place in range(1, width) if tickers[place] in (chosen, "")]
    frame = frame[kept]
    frame.columns = pd.Index([index] + [names[place] for place in kept[1:]])
    frame.attrs["symbol"] = chosen
    return frame, f"{len(header)} header lines of a two-level index{f', ticker {chosen}' if chosen else ''}"
