import datetime

import numpy as np
import pytest
import yaml

from stresslab.calibrate import FITS, Returns, log_returns, read_bars
from stresslab.calibrate.fit import make_fit
from stresslab.errors import InputError
from stresslab.models import MODELS
from stresslab.shipped import config_root
from stresslab.yaml_reader import read_yaml

FOLDER = config_root() / "models"
FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))
ALWAYS = {"as_of", "first", "last", "bar", "bars", "source", "method", "standard_errors", "dropped_returns", "sha256"}


def test_every_asset_has_every_model():
    assert {f"{asset}_{kind}.yaml" for asset in ("btc", "eth") for kind in FITS} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_file_is_a_valid_model_that_says_where_it_is_from(name):
    content = read_yaml(FOLDER / name)
    assert content.keys() == {"kind", "parameters", "fitted"}
    MODELS[content["kind"]](**content["parameters"])
    fitted = content["fitted"]
    assert ALWAYS <= fitted.keys()
    known = fitted["standard_errors"].keys() | set(fitted.get("state", ())) | set(fitted.get("fixed", ()))
    assert {name.split(".")[0] for name in known} >= numbers(content["parameters"])
    assert fitted["first"] < fitted["last"] < fitted["as_of"]
    assert fitted["as_of"].tzinfo is not None and len(fitted["source"]) > 20 and len(fitted["method"]) > 80


def numbers(parameters):
    return {name for name, value in parameters.items() if value is not None and not isinstance(value, str)}


@pytest.fixture(scope="module")
def returns(shared):
    """Of both assets, from the data that the files name."""
    folder = shared / "data" / "binance_spot_mit"
    return {asset: log_returns(read_bars(folder / f"{asset.upper()}USDT_1h.csv.gz")) for asset in ("btc", "eth")}


@pytest.mark.parametrize("asset", ["btc", "eth"])
@pytest.mark.parametrize("kind", FITS)
def test_figures_are_those_of_the_data(returns, asset, kind):
    """To the digits of the file, but for the last: another BLAS or SciPy may stop a search a little elsewhere."""
    content = read_yaml(FOLDER / f"{asset}_{kind}.yaml")
    fresh = FITS[kind](returns[asset]).document(content["fitted"]["source"])
    assert fresh["parameters"] == pytest.approx(content["parameters"], rel=2e-4)
    assert fresh["fitted"].pop("standard_errors") == pytest.approx(content["fitted"].pop("standard_errors"), rel=0.02)
    for name in ("log_likelihood", "aic", "bic"):
        again, written = (each["fitted"].pop(name, 0.0) for each in (fresh, content))
        assert again == pytest.approx(written, abs=0.05)
    for name in ("covariance", "diagnostics"):
        assert (name in fresh["fitted"]) == (name in content["fitted"])
        fresh["fitted"].pop(name, None), content["fitted"].pop(name, None)
    assert fresh["fitted"] == content["fitted"]


def small(kind="gbm", errors=None, **parameters):
    errors = dict.fromkeys(parameters, 0.123456) if errors is None else errors
    returns = Returns(np.array([3600, 7200]), np.array([0.01, -0.01]), 3600, 0, 3, 0, 7200)
    return make_fit(kind, returns, parameters, errors, "By hand.", log_likelihood=-1234.5678)


def test_file_is_rounded_and_read_back():
    text = small(sigma=0.6311356, mu=1.234567e-05).yaml("Nowhere")
    assert "mu: 1.2346e-05" in text  # with its dot: YAML 1.1 reads 1e-05 as text
    assert "as_of: 1970-01-01T03:00:00Z" in text
    content = yaml.safe_load(text)
    assert content["parameters"] == {"sigma": 0.63114, "mu": 1.2346e-05}
    assert content["fitted"]["standard_errors"] == {"sigma": 0.123, "mu": 0.123}
    assert content["fitted"]["log_likelihood"] == -1234.57
    assert content["fitted"]["last"] == datetime.datetime(1970, 1, 1, 2, tzinfo=datetime.UTC)
    assert "mu: 1.0e-05" in small(sigma=0.5, mu=1e-5).yaml("Nowhere")


def test_parameters_that_the_model_refuses_are_not_written():
    with pytest.raises(InputError, match="fitted gbm.sigma: got -0.5; must be greater than 0"):
        small(sigma=-0.5).yaml("Nowhere")
