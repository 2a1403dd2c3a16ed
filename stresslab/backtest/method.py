"""How a backtest was made, in words: the last section of the page."""

import json

import xarray as xr

from stresslab.backtest.scores import LEAST_EVENTS
from stresslab.report import words

HAPPENED = (
    "A position opened at the close is liquidated if the low (long) or high (short) of a later bar within the horizon "
    "reaches its liquidation price.",
    "Bars hold last prices, not mark: venues liquidate on mark, which spikes less, so some of these events would have "
    "been no liquidations. Fees and funding within the horizon are left out.",
)
BASELINES = (
    "constant volatility: Brownian motion with the volatility of the trailing window, in closed form",
    "frequency: how often it happened, counted from every bar of the trailing window",
    "scaled excursions: the moves of those same horizons, times volatility now over volatility then; volatility is "
    "exponentially weighted with a decay of 0.94 a day, fixed in advance",
)


def facts(ds: xr.Dataset) -> list[tuple[str, list[str]]]:
    """Words and the lines that explain them."""
    question = json.loads(ds.attrs["question"])
    return [
        ("Prices", json.loads(ds.attrs["prices_read_as"])),
        ("Forecast", _forecast(question)),
        *_editions(ds),
        ("What happened", [*HAPPENED, *_left_out(ds)]),
        ("Baselines", list(BASELINES)),
        ("Scores", _scores(ds)),
        ("Value at risk", [_risk(question["overlap"])]),
        ("Provenance", [f"prices: sha256 {ds.attrs['prices_sha256']}", f"stresslab {ds.attrs['stresslab']}"]),
    ]


def _forecast(question: dict[str, str | int]) -> list[str]:
    return [
        f"Made every {question['every']} at the close of a bar, from the {question['window']} before it alone. "
        f"Parameters are fitted every {question['refit']}, the state is brought to the date in between.",
        f"{question['n_paths']:,} paths for each date (antithetic, but for models of recorded prices) in steps of one "
        f"bar, watched continuously; seed {question['seed']}, a stream for each date.",
    ]


def _editions(ds: xr.Dataset) -> list[tuple[str, list[str]]]:
    """The rulebook's editions, where each date takes the one in force; nothing where one rule holds for all dates."""
    if "rulebook_editions" not in ds.attrs:
        return []
    taken = ", ".join(f"{name} on {n:,}" for name, n in json.loads(ds.attrs["rulebook_editions"]).items())
    said = [f"{line[:1].upper()}{line[1:]}." for line in json.loads(ds.attrs["warnings"])]
    return [("Rules", [f"Each date takes the edition in force then. Editions and their dates: {taken}.", *said])]


def _left_out(ds: xr.Dataset) -> list[str]:
    """Dates without an outcome: how many, and on how many the first price after the gap lies beyond the level."""
    found = [f"{ds.attrs['left_out']:,} dates were left out because the bar that closes then is missing."]
    if json.loads(ds.attrs["question"]).get("holes") == "untraded":
        found.append("A missing bar counts as a bar without a trade (--holes untraded).")
    undecided = ds.sizes["date"] - ds["dates_decided"]
    for side in ds["side"].values:
        for leverage in ds["leverage"].values:
            at = {"side": side, "leverage": leverage}
            if left := int(undecided.sel(at)):
                beyond = int(ds["undecided_beyond"].sel(at))
                found.append(
                    f"{side} {leverage:g}x: {left:,} dates were left out because bars of the horizon are missing and "
                    f"no known price within it reaches the level; on {beyond:,} of them the first price after the hole "
                    "lies beyond the level."
                )
    return found


def _scores(ds: xr.Dataset) -> list[str]:
    noise = float(ds["monte_carlo_error"].max())
    return [
        "Skill is 1 - score / score of the baseline, on the dates that both forecast.",
        f"Probabilities are clipped to {ds.attrs['clip']:.2g} from 0 and 1: no hit among the paths is an upper bound. "
        f"The largest Monte Carlo standard error of a forecast is {words.share(noise, 2)}.",
        f"Intervals: stationary bootstrap over time, mean block {ds.attrs['block']}, all forecasters drawn together.",
        f"With fewer than {LEAST_EVENTS} events whose horizons do not overlap, or dates without one, a position is not "
        "identifiable and not scored.",
    ]


def _risk(overlap: int) -> str:
    dates = f"on every {overlap}th date, so that horizons do not overlap" if overlap > 1 else "on all dates"
    return f"Of the log move at the end of the horizon, before leverage; tested {dates}."
