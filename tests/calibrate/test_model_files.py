import datetime

import pytest
import yaml

from stresslab.calibrate import FITS, log_returns, read_bars
from stresslab.calibrate.fit import Fit
from stresslab.errors import InputError
from stresslab.models import MODELS
from stresslab.shipped import config_root
from stresslab.yaml_reader import read_yaml

FOLDER = config_root() / "models"
FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))
KNOWN = {"as_of", "first", "last", "bar", "bars", "source", "method", "standard_errors", "log_likelihood"}


def test_every_asset_has_every_model():
    assert {f"{asset}_{kind}.yaml" for asset in ("btc", "eth") for kind in FITS} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_file_is_a_valid_model_that_says_where_it_is_from(name):
    content = read_yaml(FOLDER / name)
    assert content.keys() == {"kind", "parameters", "fitted"}
    MODELS[content["kind"]](**content["parameters"])
    fitted = content["fitted"]
    assert fitted.keys() <= KNOWN and KNOWN - fitted.keys() <= {"log_likelihood"}
    assert fitted["standard_errors"].keys() == content["parameters"].keys()
    assert fitted["first"] < fitted["last"] < fitted["as_of"]
    assert fitted["as_of"].tzinfo is not None and len(fitted["source"]) > 20 and len(fitted["method"]) > 80


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
    likelihoods = [each["fitted"].pop("log_likelihood", 0.0) for each in (fresh, content)]
    assert likelihoods[0] == pytest.approx(likelihoods[1], abs=0.02)
    assert fresh["fitted"] == content["fitted"]


def small(kind="gbm", **parameters):
    errors = dict.fromkeys(parameters, 0.123456)
    return Fit(kind, parameters, errors, "By hand.", 0, 7200, 10_800, "1h", 3, log_likelihood=-1234.5678)


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
