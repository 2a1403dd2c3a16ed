"""The models of the blocks: their law, what they depend on, and what keeps its own value."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from helpers.drawn import SPREAD, drawn, model_file
from helpers.statistics import assert_mean, assert_rejected, assert_variance
from helpers.studies import BLOCK, small
from scipy import stats

from stresslab.config.schema import Study
from stresslab.errors import InputError
from stresslab.grid.draws import drawn_models, drawn_names
from stresslab.grid.plan import make_plan

N = 4000


def study_of(folder: Path, kind: str, fitted: dict[str, Any], parameters: dict[str, Any], **entry: Any) -> Study:
    content = {"kind": kind, "parameters": parameters, "fitted": fitted}
    (folder / "model.yaml").write_text(yaml.safe_dump(content))
    changes = {"models": {"fitted": {"file": "model.yaml", **entry}}, "market": {"model": "fitted"}}
    changes |= {"sampling": {"paths": 16 * BLOCK, "parameters": "drawn"}, "sweep": {"book.leverage": [5.0]}}
    return small(folder, changes | {"book": {"side": "long"}})


HESTON = {"v0": 0.3, "kappa": 6.0, "theta": 0.5, "xi": 2.0, "rho": -0.4}
DEVIATIONS = np.array([0.03, 0.9, 0.05, 0.3, 0.12])
CORRELATION = np.array(
    [[1, 0, 0, 0, 0], [0, 1, -0.5, 0.8, 0], [0, -0.5, 1, 0, 0.3], [0, 0.8, 0, 1, 0], [0, 0, 0.3, 0, 1]]
)


def covariance() -> dict[str, Any]:
    matrix = CORRELATION * np.outer(DEVIATIONS, DEVIATIONS)
    return {"covariance": {"names": list(HESTON), "matrix": matrix.tolist()}}


def free(models: Any) -> np.ndarray:
    """The draws in the space without bounds: logarithms, and 2 atanh of the correlation."""
    values = np.array([[getattr(model, name) for name in HESTON] for model in models])
    return np.column_stack([np.log(values[:, :4]), 2 * np.arctanh(values[:, 4])])


def test_law_of_the_draws_is_the_delta_method_s(tmp_path):
    """n = 4,000, seed 20260101: means, variances and correlations; standard errors of the sample's own, and
    sqrt((1 - r^2)^2 / n) = 0.016 at most for a correlation."""
    drawn = free(drawn_models(study_of(tmp_path, "heston", covariance(), HESTON), (), N))
    centre = np.append(np.log([HESTON[name] for name in list(HESTON)[:4]]), 2 * np.arctanh(-0.4))
    slopes = np.append(1 / np.array([0.3, 6.0, 0.5, 2.0]), 2 / (1 - 0.16))
    for column, middle, deviation in zip(drawn.T, centre, DEVIATIONS * slopes, strict=True):
        assert_mean(column, middle, z=4)
        assert_variance(column, deviation**2, z=4)
        assert stats.kstest(column, "norm", args=(middle, deviation)).pvalue > 1e-3
        assert_rejected(assert_variance, column, (1.1 * deviation) ** 2, z=4)  # the twins: 10 % of a deviation
        assert_rejected(assert_mean, column, middle + 0.15 * deviation, z=4)
    np.testing.assert_allclose(np.corrcoef(drawn, rowvar=False), CORRELATION, atol=4.5 * 0.016)


def test_draws_depend_on_seed_name_and_block_alone(tmp_path):
    study = study_of(tmp_path, "heston", covariance(), HESTON)
    first = drawn_models(study, (), 40)
    assert drawn_models(study, (), 10) == first[:10]
    later = study.model_copy(update={"as_of": study.as_of.replace(year=2026), "book": study.book})
    assert drawn_models(later, (), 40) == first  # common to all nights
    assert drawn_models(study.model_copy(update={"seed": 2}), (), 40) != first
    renamed = study.model_copy(
        update={
            "market": study.market.model_copy(update={"model": "other"}),
            "models": {"other": study.model},
            "fits": {"other": study.fits["fitted"]},
        }
    )
    assert drawn_models(renamed, (), 40)[0] != first[0]
    assert len(set(first)) == 40


def test_what_is_set_or_swept_keeps_its_value_and_the_others_stay_paired(tmp_path):
    plain = drawn_models(study_of(tmp_path, "heston", covariance(), HESTON), (), 20)
    held = study_of(tmp_path, "heston", covariance(), HESTON, set={"v0": 0.3, "xi": 2.0})
    found = drawn_models(held, ("models.fitted.rho", "models.other.kappa", "book.leverage"), 20)
    assert drawn_names(held, "fitted", ("models.fitted.rho",)) == ("kappa", "theta")
    for one, other in zip(found, plain, strict=True):
        assert (one.v0, one.xi, one.rho) == (0.3, 2.0, -0.4)
        assert (one.kappa, one.theta) == (other.kappa, other.theta)


def test_a_number_on_its_bound_or_without_error_is_not_drawn(tmp_path):
    names = ["sigma", "jump_intensity", "jump_std", "jump_mean"]
    matrix = np.diag([0.01, 4.0, 1e-4, 0.0]).tolist()
    parameters = {"sigma": 0.6, "jump_intensity": 30.0, "jump_mean": 0.0, "jump_std": 0.0}
    study = study_of(tmp_path, "merton", {"covariance": {"names": names, "matrix": matrix}}, parameters)
    assert drawn_names(study, "fitted", ()) == ("sigma", "jump_intensity")
    assert {model.jump_std for model in drawn_models(study, (), 20)} == {0.0}


def test_nothing_left_to_draw_is_refused(tmp_path):
    fitted = {"covariance": {"names": ["sigma"], "matrix": [[0.01]]}}
    study = study_of(tmp_path, "gbm", fitted, {"sigma": 0.6}, set={"sigma": 0.7})
    with pytest.raises(InputError, match="sampling.parameters = 'drawn': .*nothing is left to draw"):
        make_plan(study)


def test_replicates_are_taken_whole(tmp_path):
    """n = 4,000 draws of 50 replicates: every one, equally often (chi-squared with 49 degrees of freedom)."""
    rows = [[0.4 + 0.01 * k, 10.0 + k] for k in range(50)]
    fitted = {"draws": {"names": ["sigma", "jump_intensity"], "values": rows}}
    parameters = {"sigma": 0.6, "jump_intensity": 30.0, "jump_mean": 0.0, "jump_std": 0.03}
    study = study_of(tmp_path, "merton", fitted, parameters)
    found = drawn_models(study, (), N)
    counts = np.bincount([round(model.jump_intensity - 10) for model in found], minlength=50)
    assert all(model.sigma == rows[round(model.jump_intensity - 10)][0] for model in found)
    assert stats.chisquare(counts).pvalue > 1e-3 and counts.min() > 0


def test_a_draw_that_the_model_refuses_is_drawn_again(tmp_path):
    """A GARCH with alpha + beta near 1: every draw is a model, and the refused part of the law is cut off."""
    parameters = {"omega": 1e-6, "alpha": 0.1, "beta": 0.88, "bar": "1h"}
    matrix = np.diag([1e-14, 4e-4, 4e-4]).tolist()
    fitted = {"covariance": {"names": ["omega", "alpha", "beta"], "matrix": matrix}}
    study = study_of(tmp_path, "garch", fitted, parameters)
    sums = np.array([model.alpha + model.beta for model in drawn_models(study, (), 500)])
    assert sums.max() < 1 and sums.min() < 0.96


def test_draws_of_which_none_is_a_model_are_refused(tmp_path):
    parameters = {"omega": 1e-6, "alpha": 0.1, "beta": 0.88, "bar": "1h"}
    fitted = {"draws": {"names": ["alpha", "beta"], "values": [[0.6, 0.6]] * 20}}
    study = study_of(tmp_path, "garch", fitted, parameters)
    with pytest.raises(InputError, match="models.fitted: of 64 draws of its parameters none"):
        drawn_models(study, (), 16)


def test_a_draw_without_end_is_refused_and_not_a_crash(tmp_path):
    """A deviation of 30 in log sigma: a third of the draws is no volatility of any market, and is drawn again."""
    study = study_of(tmp_path, "gbm", {"covariance": {"names": ["sigma"], "matrix": [[324.0]]}}, {"sigma": 0.6})
    sigmas = [model.sigma for model in drawn_models(study, (), 50)]
    assert 1e-15 <= min(sigmas) < 1e-9 and 1e5 < max(sigmas) <= 1e9


def test_a_draw_that_asks_for_too_many_steps_is_refused(tmp_path):
    """Replicates of which some would step by milliseconds."""
    rows = [[3.0 if k % 4 else 9e8] for k in range(20)]
    study = study_of(tmp_path, "heston", {"draws": {"names": ["kappa"], "values": rows}}, HESTON)
    with pytest.raises(InputError, match="the kappa that is drawn for block .* steps to .* Write parameters: fixed"):
        make_plan(study)


def test_one_clock_serves_all_blocks(tmp_path):
    """The livelier draws need shorter steps: the plan takes what the liveliest of all needs."""
    study = study_of(tmp_path, "heston", covariance(), HESTON | {"kappa": 32.5})
    study = study.model_copy(update={"market": study.market.model_copy(update={"step": "8h"})})
    market, step = make_plan(study).markets[0], 8 / 8760
    assert len(market.models) == 16
    needed = {model.substeps(step) for model in market.models}
    assert len(needed) > 1 and market.dt == pytest.approx(step / max(needed))


def test_the_plan_draws_as_many_models_as_there_may_be_blocks(tmp_path):
    target = {"event": "liquidation", "absolute": 0.01, "max_paths": 64 * BLOCK}
    plan = make_plan(drawn(tmp_path, {"sampling": {"target": target}}))
    assert [len(ladder.drawn) for ladder in plan.ladders] == [64]
    sigmas = np.log([model.sigma for model in plan.ladders[0].drawn])
    assert_mean(sigmas, np.log(1.2), z=4)
    assert sigmas.std() == pytest.approx(SPREAD, rel=0.4)  # 64 draws: 9 % standard error
    assert model_file(tmp_path, "gbm") == "gbm.yaml"
