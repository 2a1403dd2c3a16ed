import datetime

import numpy as np
import pytest
import yaml

from stresslab.calibrate import CHAIN_FITS, FITS, Returns, log_returns, read_bars
from stresslab.calibrate.fit import make_fit
from stresslab.config.model_files import read_model_file
from stresslab.errors import InputError
from stresslab.files.yaml_reader import read_yaml
from stresslab.models import MODELS
from stresslab.shipped import config_root

FOLDER = config_root() / "models"
FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))
ALWAYS = {"as_of", "source", "method", "standard_errors", "sha256", "versions"}
OF_PRICES = {"first", "last", "bar", "bars", "dropped_returns"}
OF_CHAINS = {"underlying", "quotes", "dropped", "rmse"}
QUICK = ("gbm", "merton", "heston", "sabr", "scaled_historical")  # fitted again by default: no long search


def is_of_chain(name):
    return name.endswith("_options.yaml")


@pytest.mark.parametrize("asset", ["btc", "eth"])
def test_every_asset_has_every_model(asset):
    wanted = {f"{asset}_{kind}.yaml" for kind in FITS} | {f"{asset}_{kind}_options.yaml" for kind in CHAIN_FITS}
    assert wanted <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_file_is_a_valid_model_that_says_where_it_is_from(name):
    content = read_yaml(FOLDER / name)
    assert content.keys() == {"kind", "parameters", "fitted"}
    parameters, fitted = content["parameters"], content["fitted"]
    history = parameters.get("history")
    if history is not None:
        assert "/" not in history["file"] and history["sha256"] == fitted["sha256"]
        parameters["history"] = {"bar": fitted["bar"], "returns": [0.01, -0.02, 0.005] * 400}
    MODELS[content["kind"]](**parameters)
    assert fitted.keys() >= ALWAYS | (OF_CHAINS if is_of_chain(name) else OF_PRICES)
    known = fitted["standard_errors"].keys() | set(fitted.get("state", ())) | set(fitted.get("fixed", ()))
    assert {name.split(".")[0] for name in known} >= numbers(parameters) - {"history"}
    assert is_of_chain(name) or fitted["first"] < fitted["last"] < fitted["as_of"]
    assert fitted["as_of"].tzinfo is not None and len(fitted["source"]) > 20 and len(fitted["method"]) > 80


def test_prices_that_are_not_shipped_are_asked_for():
    with pytest.raises(InputError, match=r"BTCUSDT_1h.csv.gz.*history") as refused:
        read_model_file(FOLDER / "btc_scaled_historical.yaml")
    assert refused.value.hint


def numbers(parameters):
    firsts = {name: value[0] if isinstance(value, list) else value for name, value in parameters.items()}
    return {name for name, value in firsts.items() if isinstance(value, float | int | list)}


@pytest.fixture(scope="module")
def returns(shared):
    """Of both assets, from the data that the files name."""
    folder = shared / "data" / "binance_spot_mit"
    return {asset: log_returns(read_bars(folder / f"{asset.upper()}USDT_1h.csv.gz")) for asset in ("btc", "eth")}


@pytest.mark.parametrize("asset", ["btc", "eth"])
@pytest.mark.parametrize("kind", [pytest.param(k, marks=() if k in QUICK else pytest.mark.slow) for k in FITS])
def test_figures_are_those_of_the_data(returns, asset, kind):
    """To the digits of the file where nothing is searched for; else to a small part of the standard errors."""
    content = read_yaml(FOLDER / f"{asset}_{kind}.yaml")
    fresh = FITS[kind](returns[asset]).document(content["fitted"]["source"])
    errors = content["fitted"]["standard_errors"]
    for name, value in fresh["parameters"].items():
        if isinstance(value, float | int):
            near = 0.05 * errors.get(name, 0.0)
            assert value == pytest.approx(content["parameters"][name], rel=2e-4, abs=near), name
    assert fresh["fitted"]["standard_errors"] == pytest.approx(errors, rel=0.05)
    for name in OF_PRICES | {"sha256", "as_of", "source"}:
        assert fresh["fitted"][name] == content["fitted"][name]
    for name in ("log_likelihood", "aic", "bic"):
        assert fresh["fitted"].get(name, 0.0) == pytest.approx(content["fitted"].get(name, 0.0), abs=0.1)


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
    with pytest.raises(InputError, match="fitted gbm.sigma = -0.5: must be greater than 0"):
        small(sigma=-0.5).yaml("Nowhere")
