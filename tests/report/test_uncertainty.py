"""The three errors on the page: from the dataset, in words, in a figure, and absent where nothing was drawn."""

import json
import math

import numpy as np
import pytest
import xarray as xr
from report import synthetic

from stresslab.report import method, uncertainty
from stresslab.report.figures import drawn as figures
from stresslab.report.layout import arrange
from stresslab.report.page import render

SWEEP = {"market.model": ["gbm", "merton", "heston"], "book.leverage": [5.0, 10.0, 20.0]}


def with_errors(ds: xr.Dataset, parameter: float = 0.4, sampling: float = 0.05) -> xr.Dataset:
    """The dataset as if its parameters had been drawn: errors as a share of the probability."""
    ds = ds.copy()
    ds["parameter_standard_error"] = parameter * ds["probability"]
    ds["monte_carlo_standard_error"] = sampling * ds["probability"]
    study = json.loads(ds.attrs["study"])
    study["sampling"]["parameters"] = "drawn"
    named = {"drawn_parameters": json.dumps({"gbm": ["sigma"], "heston": ["v0", "kappa"]})}
    return ds.assign_attrs(named | {"study": json.dumps(study)})


@pytest.fixture(scope="module")
def plain() -> xr.Dataset:
    return synthetic.dataset(SWEEP)


@pytest.fixture(scope="module")
def ds(plain: xr.Dataset) -> xr.Dataset:
    return with_errors(plain)


def test_parts_are_those_of_the_dataset(ds: xr.Dataset) -> None:
    index = {"model": 2, "leverage": 1, "horizon": 1}
    found = uncertainty.parts(ds, index)
    here = ds.isel(index).sel(event="liquidation")
    assert found.parameter == pytest.approx(0.4 * float(here.probability))
    assert found.monte_carlo == pytest.approx(0.05 * float(here.probability))
    models = ds.ruin_probability.isel(leverage=1, horizon=1).values
    assert found.model == pytest.approx(models.std(ddof=1)) and models.std() > 0


def test_one_model_has_no_spread() -> None:
    alone = with_errors(synthetic.dataset({"book.leverage": [5.0, 10.0]}))
    layout = arrange(alone)
    assert math.isnan(uncertainty.parts(alone, layout.headline).model)
    assert not any("models spread" in text for text in uncertainty.sentences(alone, layout))
    names = [trace["name"] for trace in next(iter(uncertainty.figure(alone, layout).variants.values()))["data"]]
    assert names == list(uncertainty.NAMES)


@pytest.mark.parametrize(
    ("parameter", "sampling", "largest"),
    [
        (0.001, 0.9, "Monte Carlo error: more paths"),
        (2.0, 0.01, "parameter uncertainty"),
        (0.001, 0.001, "model spread"),
    ],
)
def test_words_name_the_largest(plain: xr.Dataset, parameter: float, sampling: float, largest: str) -> None:
    found = with_errors(plain, parameter, sampling)
    said = uncertainty.sentences(found, arrange(found))
    assert said[0].startswith("Of the headline within 7 days: Monte Carlo error")
    assert "The 3 models spread by" in said[1] and f"The largest of the three is {largest}" in said[2]


def test_an_uncertainty_that_the_paths_hide_is_not_written_as_zero(plain: xr.Dataset) -> None:
    found = with_errors(plain, parameter=0.0)
    layout = arrange(found)
    assert "too small to be told from it" in uncertainty.sentences(found, layout)[0]
    texts = [cell.text for body in uncertainty.table(found, layout).bodies for row in body.rows for cell in row.cells]
    assert uncertainty.HIDDEN in texts


def test_the_figure_has_a_bar_for_each_error_and_row_value(ds: xr.Dataset) -> None:
    layout = arrange(ds)
    figure = uncertainty.figure(ds, layout)
    assert figure.selects == ("model", "horizon") and len(figure.variants) == 9
    for variant in figure.variants.values():
        assert [len(trace["y"]) for trace in variant["data"]] == [3, 3, 3]
    first = figure.variants[layout.pick({"model": 0, "horizon": 2})]["data"]
    expected = 40 * ds.probability.sel(model="gbm", event="liquidation").isel(horizon=2).values
    np.testing.assert_allclose(first[1]["y"], expected, rtol=1e-4)


def test_the_page_shows_them_only_where_parameters_were_drawn(ds: xr.Dataset, plain: xr.Dataset) -> None:
    page = render(ds, synthetic.provenance())
    for text in ('id="sureness"', "How sure it is", 'data-figure="uncertainty"', "v0, kappa", "with Student&#39;s t"):
        assert text in page, text
    assert 'id="sureness"' not in render(plain, synthetic.provenance())
    assert [figure.name for figure in figures(plain, arrange(plain), [])] == ["ruin", "survival", "losses", "causes"]
    words = dict(method.glossary(ds))
    assert "parameter uncertainty" in words["interval"] and "model spread" in words
    assert "not model error" in dict(method.glossary(plain))["interval"]


def test_a_cell_without_a_number_has_no_errors() -> None:
    failed = with_errors(synthetic.dataset(SWEEP, status=lambda coords: ("failed", "a sum of money is not finite")))
    assert uncertainty.sentences(failed, arrange(failed)) == []
    render(failed, synthetic.provenance())
