"""From the totals of all ladders to the dataset of a run."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from stresslab import general
from stresslab.accounts.causes import causes_of
from stresslab.books.outcome import BASE_CAUSES, CAUSES
from stresslab.config.fields import instant_text
from stresslab.config.paths import dims as swept_dims
from stresslab.config.paths import is_market_path
from stresslab.errors import NotAllowed
from stresslab.estimate import intervals, tails
from stresslab.grid import greeks, measures, replay, variables
from stresslab.grid.draws import drawn_names
from stresslab.grid.ladder import Ladder
from stresslab.grid.measures import Cells
from stresslab.grid.plan import Plan
from stresslab.grid.totals import Totals, target_met

_NOT_FINITE = "a sum of money is not finite: the paths left the range of float32"


def assemble(plan: Plan, totals: list[Totals], versions: dict[str, str]) -> xr.Dataset:
    """The dataset of DESIGN section 4: cells that were not run hold NaN (integers 0) and say why."""
    study = plan.study
    shapes = _shapes(plan)
    cells = {
        name: np.full((len(plan.cells), *shape), variables.EMPTY[dtype], dtype)
        for name, (shape, dtype) in shapes.items()
    }
    for number, refused in enumerate(plan.books):
        if isinstance(refused, NotAllowed):
            cells["status"][number], cells["status_reason"][number] = "not_allowed", str(refused)
    for ladder, total in zip(plan.ladders, totals, strict=True):
        finite = np.isfinite(total.summary["sums"]).all(axis=(0, 1, 3))
        total = replace(total, one_path=replay.is_replay(plan.markets[ladder.market]))
        for name, values in _ladder_values(plan, ladder, total).items():
            cells[name][np.array(ladder.cells)[finite]] = values[finite]
        for number in np.array(ladder.cells)[~finite]:
            cells["status"][number], cells["status_reason"][number] = "failed", _NOT_FINITE
    dims = swept_dims(study)
    sizes = tuple(len(study.sweep[path]) for path in dims.values())
    data = {
        name: (
            (*dims, *variables.table(plan.drawn, general=True)[name].dims),
            values.reshape((*sizes, *values.shape[1:])),
            variables.attributes(name, _currency(plan), plan.general),
        )
        for name, values in cells.items()
    }
    data |= _market_variables(plan, totals)
    data |= _replayed(plan, dims, sizes)
    data |= greeks.variables(plan, tuple(dims), sizes)
    return xr.Dataset(data, _coordinates(plan), _attributes(plan, versions))


def _replayed(plan: Plan, dims: Iterable[str], sizes: tuple[int, ...]) -> dict[str, Any]:
    """Of recorded paths: what became of each book, and the record."""
    found = replay.variables(plan)
    return {
        name: (
            tuple(dims),
            values.reshape(sizes),
            dict(zip(("units", "long_name"), replay.VARIABLES[name], strict=True)),
        )
        if name in replay.VARIABLES
        else ("recorded_bar", values, dict(zip(("units", "long_name"), replay.RECORD[name], strict=True)))
        for name, values in found.items()
    }


def _shapes(plan: Plan) -> dict[str, tuple[tuple[int, ...], Any]]:
    outputs, market = plan.study.outputs, plan.study.market
    sizes = {
        "horizon": len(market.horizons),
        "event": len(outputs.events),
        "cause": len(causes(plan)),
        "loss_level": len(outputs.loss_levels),
        "loss_bin": tails.N_BINS,
        "survival_time": len(measures.survival_days(plan)),
    }
    return {
        name: (tuple(sizes[dim] for dim in variable.dims), variable.dtype)
        for name, variable in variables.table(plan.drawn, plan.general).items()
        if not variable.of_market
    }


def _ladder_values(plan: Plan, ladder: Ladder, totals: Totals) -> Cells:
    """Every variable of the ladder's books, the book axis in front."""
    study, n = plan.study, totals.n_paths
    antithetic = study.sampling.antithetic
    found = totals.probabilities(ladder.horizon_bins, antithetic)
    hits = totals.hits(ladder.horizon_bins)
    by_cause = hits[..., [CAUSES.index(cause) for cause in causes(plan)]]
    ruin = study.outputs.events.index(study.outputs.ruin)
    met = target_met(study, ladder, totals)
    values: Cells = {
        **{name: np.moveaxis(getattr(found, name), 1, 2) for name in intervals.Estimate._fields},
        "hits": np.moveaxis(hits.sum(axis=-1), 1, 2),
        "probability_by_cause": np.moveaxis(by_cause / n, 1, 2),
        "time_median": np.moveaxis(measures.time_median(plan, ladder, totals), 1, 2),
        "ruin_probability": found.probability[:, ruin],
        "ruin_lower": found.lower[:, ruin],
        "ruin_upper": found.upper[:, ruin],
        "ruin_probability_se": found.standard_error[:, ruin],
        "loss_count": totals.summary["loss_count"],
        "status": np.where(met, "ok", "target_not_met").astype(object),
        "status_reason": np.where(met, "", f"the target half-width was not reached with {n} paths").astype(object),
    }
    if totals.drawn:
        errors = totals.errors(ladder.horizon_bins, antithetic)
        values["parameter_standard_error"] = np.moveaxis(errors.parameter, 1, 2)
        values["monte_carlo_standard_error"] = np.moveaxis(errors.monte_carlo, 1, 2)
    values |= measures.survival(totals, ruin, antithetic)
    values |= measures.money(ladder, totals, antithetic)
    values |= measures.tails(plan, ladder, totals)
    values |= _facts(plan, ladder)
    return values


def _facts(plan: Plan, ladder: Ladder) -> Cells:
    names = ("notional", "quantity", "liquidation_price", "bankruptcy_price")
    return {name: np.array([getattr(plan.books[cell], name) for cell in ladder.cells]) for name in names}


def _currency(plan: Plan) -> str:
    """What the books' money is in: quote currency, or the coin that all of them settle in."""
    rulebooks = [book.rulebook for book in plan.books if not isinstance(book, NotAllowed)]
    settled = {variables.QUOTE if rules.contract.kind == "linear" else rules.contract.settle for rules in rulebooks}
    return settled.pop() if len(settled) == 1 else "settlement currency of the rulebook"


def causes(plan: Plan) -> tuple[str, ...]:
    """Those that can occur in any book of the plan, in their order."""
    found = set(BASE_CAUSES)
    for ladder in plan.ladders:
        if isinstance(ladder.shape, general.Shape):
            found |= set(causes_of(ladder.shape.form))
    return tuple(cause for cause in CAUSES if cause in found)


def _market_variables(plan: Plan, totals: list[Totals]) -> dict[str, Any]:
    study = plan.study
    dims = [dim for dim, path in swept_dims(study).items() if is_market_path(path)]
    sizes = tuple(len(study.sweep[path]) for path in study.sweep if is_market_path(path))
    rows = [_market_row(plan, market.ladders, totals) for market in plan.markets]
    names = ("n_paths", "effective_sample_size", "stopped_by")
    return {
        name: (
            dims,
            np.array([row[at] for row in rows], variables.TABLE[name].dtype).reshape(sizes),
            variables.attributes(name),
        )
        for at, name in enumerate(names)
    }


def _market_row(plan: Plan, ladders: tuple[int, ...], totals: list[Totals]) -> tuple[int, float, str]:
    if not ladders:
        return 0, 0.0, "not_run"
    n = totals[ladders[0]].n_paths
    if plan.study.sampling.target is None:
        stopped = "paths"
    else:
        met = all(target_met(plan.study, plan.ladders[number], totals[number]).all() for number in ladders)
        stopped = "target" if met else "max_paths"
    if replay.is_replay(plan.markets[plan.ladders[ladders[0]].market]):
        return n, 1.0, stopped
    return n, n / 2 if plan.study.sampling.antithetic else float(n), stopped


def _coordinates(plan: Plan) -> dict[str, Any]:
    study = plan.study
    swept = {dim: list(study.sweep[path]) for dim, path in swept_dims(study).items()}
    lower = ("loss_bin", tails.LOWER, {"units": "fraction of equity at as_of", "long_name": "losses above"})
    upper = ("loss_bin", tails.UPPER, {"units": "fraction of equity at as_of", "long_name": "losses up to"})
    days = ("survival_time", measures.survival_days(plan), {"units": "days", "long_name": "time from as_of"})
    return {
        **swept,
        "horizon": list(study.market.horizons),
        "event": list(study.outputs.events),
        "cause": list(causes(plan)),
        "loss_level": list(study.outputs.loss_levels),
        "survival_time": days,
        "loss_bin": np.arange(tails.N_BINS),
        "loss_lower": lower,
        "loss_upper": upper,
    }


def _attributes(plan: Plan, versions: dict[str, str]) -> dict[str, Any]:
    study = plan.study
    return {
        "study": json.dumps(study.resolved(), allow_nan=False),
        "study_name": study.study,
        "study_hash": study.hash,
        "seed": study.seed,
        "as_of": instant_text(study.as_of),
        "swept": json.dumps(list(swept_dims(study))),
        "ruin_event": study.outputs.ruin,
        "rulebook_hashes": json.dumps({name: book.hash for name, book in sorted(study.rulebooks.items())}),
        "rulebook_editions": json.dumps({name: book.edition for name, book in sorted(study.rulebooks.items())}),
        "model_hashes": json.dumps({name: fit.sha256 for name, fit in sorted(study.fits.items())}),
        "assumptions": json.dumps({name: list(book.remarks) for name, book in sorted(study.rulebooks.items())}),
        "warnings": json.dumps([doubt.text for doubt in plan.doubts]),
        "versions": json.dumps(versions, sort_keys=True),
        "conventions": variables.CONVENTIONS.replace(variables.QUOTE, _currency(plan))
        + (variables.DRAWN_CONVENTIONS if plan.drawn else ""),
        **({"drawn_parameters": json.dumps(_drawn_parameters(plan))} if plan.drawn else {}),
    }


def _drawn_parameters(plan: Plan) -> dict[str, list[str]]:
    """The numbers that are drawn, by the name of the model."""
    swept = tuple(plan.study.sweep)
    used = {name: market.study for market in plan.markets for name in market.study.market_models}
    return {name: list(drawn_names(study, name, swept)) for name, study in sorted(used.items())}
