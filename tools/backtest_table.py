"""The README's tables of forecasts against what happened: python tools/backtest_table.py BTC.nc ETH.nc > table.md.

The files are written by `stresslab backtest ... --data`. The mean skill of a model is the mean over the positions that
are identifiable, with the interval of that mean from the same bootstrap over time as the page's.
"""

import json
import sys
from pathlib import Path

import numpy as np
import xarray as xr

from stresslab.backtest import resample, scores
from stresslab.units import parse_duration

LEVERAGES = (10.0, 20.0, 50.0)  # of the means
SHORT = {
    "constant_volatility": "constant volatility",
    "frequency": "frequency",
    "scaled_excursions": "scaled excursions",
}


def main(paths: list[Path]) -> None:
    """Print the tables."""
    found = {path.stem: xr.load_dataset(path, engine="h5netcdf", decode_times=False) for path in paths}
    for title, score in (("Log", "log"), ("Brier", "brier")):
        print(f"\n**{title} skill, mean over long and short at 10x, 20x and 50x, in percent (95 % interval)**\n")
        print(_means(found, score))
    best = _models(next(iter(found.values())))[0]
    for asset, ds in found.items():
        print(f"\n**`{best}` on {asset}, position by position**\n")
        print(_positions(ds, best))
        print(f"\n**Value at risk, {asset}: exceedances (expected) and p-values of Kupiec / Christoffersen**\n")
        print(_risk(ds))


def _means(found: dict[str, xr.Dataset], score: str) -> str:
    heads = [f"{asset}, against {SHORT[baseline]}" for asset in found for baseline in SHORT]
    rows = []
    for model in _models(*found.values()):
        cells = [_mean(ds, model, baseline, score) for ds in found.values() for baseline in SHORT]
        rows.append([f"`{model}`", *cells])
    return _table(["model", *heads], rows)


def _models(*datasets: xr.Dataset) -> list[str]:
    """Models by mean log skill against the baseline to beat, best first."""
    names = [name for name in datasets[0]["forecaster"].values.tolist() if name not in SHORT]
    value = {name: np.mean([_replicates(ds, name, "scaled_excursions", "log")[0] for ds in datasets]) for name in names}
    return sorted(names, key=lambda name: -np.nan_to_num(value[name], nan=-np.inf))


def _replicates(ds: xr.Dataset, model: str, baseline: str, score: str) -> tuple[float, np.ndarray]:
    """The mean skill over the identifiable positions, and its bootstrap replicates."""
    part = ds.sel(leverage=[one for one in LEVERAGES if one in ds["leverage"].values])
    known = (part["status"] == "ok").values
    said, place = json.loads(ds.attrs["question"]), scores.SCORES.index(score)
    happened = part["happened"].values.astype(bool)
    ours, theirs = (
        scores.scored(part["probability"].sel(forecaster=name).values, happened, said["n_paths"])[place][known]
        for name in (model, baseline)
    )
    n_dates = ours.shape[-1]
    block = resample.mean_block(parse_duration(said["horizon"]), parse_duration(said["every"]), n_dates)
    counts = resample.drawn_counts(n_dates, block, said["seed"])
    both = np.isfinite(ours) & np.isfinite(theirs)
    sums = [np.where(both, one, 0.0) for one in (ours, theirs)]
    if not both.any(axis=-1).all():
        return float("nan"), np.full(len(counts), np.nan)
    return float(scores.skill(ours, theirs).mean()), (1 - (sums[0] @ counts.T) / (sums[1] @ counts.T)).mean(axis=0)


def _mean(ds: xr.Dataset, model: str, baseline: str, score: str) -> str:
    point, replicates = _replicates(ds, model, baseline, score)
    return _interval(point, *np.quantile(replicates, resample.TAILS)) if np.isfinite(point) else "no forecast"


def _positions(ds: xr.Dataset, model: str) -> str:
    rows = []
    for side in ds["side"].values:
        for leverage in ds["leverage"].values:
            one = ds.sel(side=side, leverage=leverage)
            own = one.sel(forecaster=model)
            cells = [f"{side} {leverage:g}x", f"{int(one['events'])}", f"{100 * float(one['happened'].mean()):.1f}"]
            cells.append(f"{100 * float(own['mean_probability']):.1f}")
            for score in ("log", "brier"):
                cells += [_skill(own.sel(score=score, baseline=baseline)) for baseline in SHORT]
            rows.append(cells)
    heads = [f"{score}, {short}" for score in ("log", "Brier") for short in SHORT.values()]
    return _table(["position", "events", "happened, %", "forecast, %", *heads], rows)


def _skill(ds: xr.Dataset) -> str:
    if ds["status"].item() != "ok":
        return "not identifiable"
    return _interval(*(float(ds[name]) for name in ("skill", "skill_lower", "skill_upper")))


def _risk(ds: xr.Dataset) -> str:
    rows = []
    for name in (*_models(ds), *SHORT):
        cells = [f"`{name}`" if name not in SHORT else SHORT[name]]
        for side in ds["side"].values:
            for confidence in ds["confidence"].values:
                one = ds.sel(forecaster=name, side=side, confidence=confidence)
                expected = float(one["risk_dates"]) * (1 - confidence)
                p_values = " / ".join(f"{float(one[f'risk_{key}']):.2g}" for key in ("unconditional", "conditional"))
                cells.append(f"{float(one['risk_exceedances']):.0f} ({expected:.0f}); {p_values}")
        rows.append(cells)
    heads = [f"{side}, {100 * confidence:g} %" for side in ds["side"].values for confidence in ds["confidence"].values]
    return _table(["forecaster", *heads], rows)


def _interval(point: float, low: float, high: float) -> str:
    return f"{100 * point:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
