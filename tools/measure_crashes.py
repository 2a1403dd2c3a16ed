"""Measure historical crashes of BTC and ETH and write them as shocks: configs/shocks/*.yaml.

    python tools/measure_crashes.py ../shared/data

Of each crash: the gap is the deepest fall from a bar's open to its low (bars of 30 minutes; of an hour in 2020). The
volatility factor compares hourly returns of the 24 hours after that bar with the 30 days that end a day before it; its
half-life is how fast the rise fell from that day to the next. The correlation stress is what moves the correlation of
hourly returns from its level before to its level in the 24 hours around the bar. Funding is the rate of Binance's
perpetual within two days that is furthest from the median of the 30 days before, less that median.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from stresslab.units import format_duration

ASSETS = ("BTC", "ETH")
WINDOWS = {
    "2020-03": ("the COVID crash of 12 and 13 March 2020", "2020-03-11", "2020-03-14"),
    "2021-05": ("the crash of 19 May 2021", "2021-05-18", "2021-05-21"),
    "2022-05": ("the fall of Terra and LUNA, 9 to 12 May 2022", "2022-05-08", "2022-05-14"),
    "2022-11": ("the failure of FTX, 8 to 10 November 2022", "2022-11-07", "2022-11-10"),
    "2024-08": ("the carry trade unwound, 5 August 2024", "2024-08-03", "2024-08-07"),
}
CRASH_30M = "Binance spot, 30-minute klines (github.com/bernini10/oraculo-de-bitcoin at 68eb4ed, MIT licence)"
HOURLY = "Binance spot, hourly klines (the same source)"
HOURLY_2020 = "Binance spot, hourly klines (a GPL set, 2018 to 2020)"
FUNDING = "Binance perpetual funding (github.com/supervik/historical-funding-rates-fetcher at 66a085b, MIT licence)"
WHEN = {"within": "1D"}  # one time for all effects of a path, drawn from the first day


def main(data: Path) -> None:
    """Write a file for each crash."""
    folder = Path(__file__).resolve().parents[1] / "configs" / "shocks"
    for name, (event, first, last) in WINDOWS.items():
        effects = [effect for asset in ASSETS for effect in _asset(data, name, asset, first, last)]
        effects.append(_correlation(data, name, first, last))
        prices = f"{CRASH_30M}, and {HOURLY}" if name > "2020-09" else HOURLY_2020
        source = f"Measured on {prices}; " + (FUNDING if name < "2024" else "there is no funding record of 2024")
        content = {"event": event, "source": source, "effects": effects}
        head = "# Written by tools/measure_crashes.py, which says what each figure is: measure again, do not edit.\n"
        text = yaml.safe_dump(content, sort_keys=False, width=115, default_flow_style=None)
        (folder / f"{name}.yaml").write_text(head + text)


def _asset(data: Path, name: str, asset: str, first: str, last: str) -> list[dict]:
    worst, fall = _worst(data, name, asset, first, last)
    returns = _hourly(data, asset, worst)
    before = _volatility(returns, worst - pd.Timedelta("31D"), worst - pd.Timedelta("1D"))
    start = worst.ceil("h") + pd.Timedelta("1h")
    rise, later = (
        _volatility(returns, start + pd.Timedelta(days=day), start + pd.Timedelta(days=day + 1)) / before - 1
        for day in (0, 1)
    )
    found: list[dict] = [{"kind": "gap", "at": dict(WHEN), "asset": asset, "fraction": round(fall, 3)}]
    if rise > 0:
        hours = 24 * np.log(2) / np.log(rise / later) if 0 < later < rise else 6.0 if later <= 0 else 72.0
        half_life = format_duration(3600 * int(np.clip(round(hours), 6, 72)))
        factor = {"factor": round(1 + rise, 2), "half_life": half_life}
        found.append({"kind": "volatility", "at": dict(WHEN), "asset": asset, **factor})
    return found + _funding(data, asset, worst)


def _worst(data: Path, name: str, asset: str, first: str, last: str) -> tuple[pd.Timestamp, float]:
    """The bar with the deepest fall from open to low."""
    short = data / "crash_windows_30m_mit" / f"{asset}USDT_spot_30m_{name}.csv.gz"
    bars = _read(short if short.exists() else data / "binance_spot_gpl_2018_2020" / f"{asset}USDT_1h.csv.gz")
    bars = bars[first:last]
    fall = bars.low / bars.open - 1
    return fall.idxmin(), float(fall.min())


def _hourly(data: Path, asset: str, at: pd.Timestamp) -> pd.Series:
    folder = "binance_spot_gpl_2018_2020" if at.year < 2021 else "binance_spot_mit"
    return np.log(_read(data / folder / f"{asset}USDT_1h.csv.gz").close).diff()


def _volatility(returns: pd.Series, first: pd.Timestamp, last: pd.Timestamp) -> float:
    return float(np.sqrt((returns[first:last] ** 2).mean() * 8760))


def _correlation(data: Path, name: str, first: str, last: str) -> dict:
    worst, _ = _worst(data, name, "BTC", first, last)
    both = pd.concat([_hourly(data, asset, worst) for asset in ASSETS], axis=1).dropna()
    day, month = pd.Timedelta("12h"), both[worst - pd.Timedelta("31D") : worst - pd.Timedelta("1D")]
    before, during = (float(np.corrcoef(part.to_numpy().T)[0, 1]) for part in (month, both[worst - day : worst + day]))
    stress = max(0.0, (during - before) / (1 - before))
    return {"kind": "correlation", "at": dict(WHEN), "stress": round(stress, 2), "lasting": "1D"}


def _funding(data: Path, asset: str, worst: pd.Timestamp) -> list[dict]:
    table = pd.read_csv(data / "funding_multi_exchange_mit" / f"{asset}_funding.csv.gz")
    table = table[table.exchange == "binance"]
    rates = table.set_index(pd.to_datetime(table.timestamp, utc=True)).funding_rate
    usual, after = rates[worst - pd.Timedelta("30D") : worst].median(), rates[worst : worst + pd.Timedelta("2D")]
    if after.empty:
        return []
    away = after - usual
    furthest = away.abs().idxmax()
    spike = {"rate": float(f"{away[furthest]:.2g}"), "half_life": "16h"}
    return [{"kind": "funding", "at": dict(WHEN), "asset": asset, **spike}]


def _read(path: Path) -> pd.DataFrame:
    bars = pd.read_csv(path)
    return bars.set_index(pd.to_datetime(bars.timestamp, utc=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
