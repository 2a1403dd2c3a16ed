"""Figures of a fit: residuals (their law, quantiles, and what clustering is left), volatility over time, smiles."""

from typing import Any

import numpy as np
from scipy import stats

from stresslab.calibrate import Fit, Returns, Smile
from stresslab.calibrate.diagnostics import LAGS, autocorrelations
from stresslab.calibrate.model_yaml import utc
from stresslab.estimate.intervals import Z
from stresslab.report.plots import Json, clean

FURTHEST = 8.0  # residuals beyond are put at the edge
BIN = 0.25
MOST_POINTS = 600
LEAST_BARS, LEAST_SECONDS = 7, 86_400  # of a stretch whose realised volatility is shown


def drawn(fit: Fit, returns: Returns | None) -> dict[str, Json]:
    """Each figure that the fit has data for, as the page's script wants it."""
    found: dict[str, Json] = {}
    if fit.residuals is not None:
        z = fit.residuals[np.isfinite(fit.residuals)]
        found |= {"density": density(z), "quantiles": quantiles(z), "clustering": clustering(z)}
    if fit.volatility is not None and returns is not None:
        found["volatility"] = volatility(fit.volatility, returns)
    if fit.smiles:
        found["smiles"] = smiles(fit.smiles)
    return found


def _one(data: list[Json], layout: Json) -> Json:
    return {"selects": [], "variants": {"": {"data": data}}, "layout": layout, "narrow": {}}


def density(z: np.ndarray) -> Json:
    """Histogram of the residuals on a logarithmic axis, against the standard normal density."""
    edges = np.arange(-FURTHEST, FURTHEST + BIN / 2, BIN)
    counts = np.histogram(np.clip(z, -FURTHEST, FURTHEST - 1e-9), edges)[0]
    middles = (edges[1:] + edges[:-1]) / 2
    share = counts / len(z) / BIN
    floor = 0.3 / len(z) / BIN
    x = np.linspace(-FURTHEST, FURTHEST, 161)
    law = stats.norm.pdf(x)
    hover = [f"{a:.2f} to {a + BIN:.2f}: {n:,} of {len(z):,}" for a, n in zip(edges, counts.tolist(), strict=False)]
    bars: Json = {"type": "bar", "name": "residuals", "x": clean(middles), "y": clean(np.where(counts, share, np.nan))}
    bars |= {"width": BIN, "marker": {"color": "var(--s0)"}, "hoverinfo": "text", "hovertext": hover, "opacity": 0.75}
    shown = law > floor / 3
    line: Json = {"type": "scatter", "mode": "lines", "name": "the model: standard normal", "hoverinfo": "skip"}
    line |= {"x": clean(x[shown]), "y": clean(law[shown]), "line": {"color": "var(--s1)", "width": 2}}
    top, bottom = np.log10(max(share.max(), 0.5)) + 0.2, np.log10(floor)
    ticks = [float(f"1e{k}") for k in range(int(np.ceil(bottom)), int(np.floor(top)) + 1)]
    y: Json = {"type": "log", "title": {"text": "density"}, "range": [bottom, top], "tickvals": ticks}
    y |= {"ticktext": [f"{tick:g}" for tick in ticks]}
    return _one([bars, line], {"xaxis": {"title": {"text": "residual, standard deviations"}}, "yaxis": y, "bargap": 0})


def quantiles(z: np.ndarray) -> Json:
    """Quantiles of the residuals against those of the standard normal: all of the tails, a part of the middle."""
    ordered, n = np.sort(z), len(z)
    theory = stats.norm.ppf((np.arange(n) + 0.5) / n)
    tail = min(n, MOST_POINTS // 3)
    middle = np.linspace(0, n - 1, MOST_POINTS // 3).astype(int)
    chosen = np.unique(np.concatenate([np.arange(tail), middle, np.arange(n - tail, n)]))
    reach = float(max(np.abs(theory).max(), 1.0)) * 1.05
    points: Json = {
        "type": "scatter",
        "mode": "markers",
        "name": "residuals",
        "marker": {"color": "var(--s0)", "size": 5},
    }
    points |= {
        "x": clean(theory[chosen]),
        "y": clean(ordered[chosen]),
        "hovertemplate": "%{x:.2f} by the model, %{y:.2f}<extra></extra>",
    }
    line: Json = {"type": "scatter", "mode": "lines", "name": "the model", "x": [-reach, reach], "y": [-reach, reach]}
    line |= {"line": {"color": "var(--s1)", "width": 2}, "hoverinfo": "skip"}
    axes = {
        "xaxis": {"title": {"text": "quantile by the model"}},
        "yaxis": {"title": {"text": "quantile of the residuals"}},
    }
    return _one([line, points], axes)


def clustering(z: np.ndarray) -> Json:
    """Autocorrelation of the squared residuals, with the band of independent ones."""
    found = autocorrelations(z * z)
    lags = list(range(1, LAGS + 1))
    band = Z / np.sqrt(len(z))
    bars: Json = {"type": "bar", "x": lags, "y": clean(found), "marker": {"color": "var(--s0)"}, "showlegend": False}
    bars |= {"hovertemplate": "lag %{x}: %{y:.3f}<extra></extra>", "width": 0.6}
    rules: list[Json] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [0.3, LAGS + 0.7],
            "y": [y, y],
            "hoverinfo": "skip",
            "showlegend": False,
        }
        | {"line": {"color": "var(--s1)", "width": 1.5, "dash": "dash"}}
        for y in (-band, band)
    ]
    reach = max(0.05, float(np.abs(found).max()) * 1.15)
    y = {"title": {"text": "autocorrelation of squares"}, "range": [min(-2 * band, float(found.min()) * 1.15), reach]}
    return _one([bars, *rules], {"xaxis": {"title": {"text": "lag, bars"}, "range": [0.3, LAGS + 0.7]}, "yaxis": y})


def volatility(model: np.ndarray, returns: Returns) -> Json:
    """The model's volatility and the realised one, over days or over `LEAST_BARS` bars."""
    stretch = max(LEAST_SECONDS, LEAST_BARS * returns.seconds)
    number = (returns.stamps - returns.stamps[0]) // stretch
    _, place, counts = np.unique(number, return_inverse=True, return_counts=True)
    whole = counts >= 0.8 * stretch / returns.seconds
    realised = np.sqrt(np.bincount(place, returns.values**2) / counts / returns.dt)
    stated = np.sqrt(np.bincount(place, model**2) / counts)
    days = returns.stamps[0] + np.unique(number) * stretch
    dates = [f"{utc(int(day)):%Y-%m-%d}" for day in days]
    every = max(1, len(days) // (4 * MOST_POINTS))
    kept = slice(None, None, every)
    data: list[Json] = []
    for name, values, colour, width in (("realised", realised, "var(--s6)", 1), ("the model", stated, "var(--s1)", 2)):
        trace: Json = {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": dates[kept],
            "line": {"color": colour, "width": width},
        }
        trace |= {
            "y": clean(np.where(whole, values, np.nan)[kept], 100),
            "hovertemplate": "%{x}: %{y:.0f} %<extra></extra>",
        }
        data.append(trace | ({"opacity": 0.7} if name == "realised" else {}))
    title = (
        {"text": f"volatility per year, over {stretch / 86_400:g} days"}
        if stretch > 86_400
        else {"text": "volatility per year"}
    )
    return _one(data, {"xaxis": {"type": "date"}, "yaxis": {"title": title, "ticksuffix": " %", "rangemode": "tozero"}})


def smiles(found: tuple[Smile, ...]) -> Json:
    """Implied volatilities of the expiry that is chosen, by strike over forward."""
    variants: dict[str, Json] = {}
    for place, one in enumerate(found):
        order = np.argsort(one.strikes)
        x = clean((one.strikes / one.forward)[order])
        common: dict[str, Any] = {"type": "scatter", "x": x}
        hover = "strike %{customdata:,.6g}: %{y:.1f} %<extra></extra>"
        market: Json = common | {
            "mode": "markers",
            "name": "market",
            "y": clean(one.market[order], 100),
            "customdata": clean(one.strikes[order]),
        }
        market |= {"marker": {"color": "var(--s0)", "size": 7}, "hovertemplate": hover}
        model: Json = common | {
            "mode": "lines",
            "name": "the model",
            "y": clean(one.model[order], 100),
            "customdata": clean(one.strikes[order]),
        }
        model |= {"line": {"color": "var(--s1)", "width": 2}, "hovertemplate": hover}
        variants[f"0:{place}"] = {"data": [market, model]}
    axes = {
        "xaxis": {"title": {"text": "strike over forward"}},
        "yaxis": {"title": {"text": "implied volatility per year"}, "ticksuffix": " %"},
    }
    return {"selects": ["0"], "variants": variants, "layout": axes, "narrow": {}}
