"""`calibrate` and `filter` end to end: what is printed and written, and that nothing is written on bad input."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from calibrate.price_histories import START, YEAR, heston_returns
from helpers.command import Done, call

from stresslab import fitting
from stresslab.config import load_study
from stresslab.config.model_files import read_model_file
from stresslab.models import MODELS

HOURS = 2 * YEAR


def write_prices(path: Path, values: np.ndarray, header: str = "timestamp,close") -> Path:
    stamps = np.datetime64(START, "s") + np.arange(len(values) + 1) * np.timedelta64(3600, "s")
    closes = 100 * np.exp(np.concatenate([[0.0], np.cumsum(values)]))
    rows = [f"{stamp}Z,{close:.8g}" for stamp, close in zip(stamps, closes, strict=True)]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    """Two years of hourly Heston returns, seed 11."""
    return heston_returns(np.random.default_rng(11), HOURS, 1, kappa=40.0, theta=0.4, xi=5.0, rho=-0.5)[0][:, 0]


@pytest.fixture(scope="module")
def prices(values: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_prices(tmp_path_factory.mktemp("prices") / "prices.csv", values)


@pytest.fixture(scope="module")
def fitted(prices: Path) -> tuple[Done, Path, Path]:
    """Heston calibrated on them, with its page."""
    model, page = prices.with_name("heston.yaml"), prices.with_name("fit.html")
    words = (
        "calibrate",
        str(prices),
        "--model",
        "heston",
        "-o",
        str(model),
        "--plot",
        str(page),
        "--source",
        "made up",
    )
    return call(*words), model, page


def test_calibrate_prints_what_one_must_know(fitted) -> None:
    done, model, page = fitted
    assert done.code == 0, done.error
    for text in (
        "17521 bars of 1h",
        "no bar is missing",
        "closes only",
        "parameter",
        "95 % interval",
        "mean-reversion",
    ):
        assert text in done.out, text
    for text in ("residuals are", "squares are", "tails are", "Kolmogorov-Smirnov", f"wrote {model} and {page}"):
        assert text in done.out, text


def test_the_model_file_has_its_provenance_and_is_a_model(fitted, prices: Path) -> None:
    _, model, _ = fitted
    content = yaml.safe_load(model.read_text())
    found = content["fitted"]
    assert found["source"] == "made up" and found["bar"] == "1h" and found["bars"] == HOURS + 1
    assert found["sha256"] == fitting.read_bars(prices).sha256 and set(found["versions"]) >= {"stresslab", "scipy"}
    assert found["covariance"]["names"] == list(found["standard_errors"])
    assert read_model_file(model)[0].kind == "heston"
    assert not list(model.parent.glob(".*"))  # nothing half written is left


def test_a_study_draws_from_the_file(fitted, tmp_path: Path) -> None:
    _, model, _ = fitted
    as_of = yaml.safe_load(model.read_text())["fitted"]["as_of"]
    study = {
        "study": "from-fit",
        "as_of": f"{as_of:%Y-%m-%dT%H:%M:%SZ}",
        "seed": 1,
        "market": {"asset": "BTC", "spot": 100.0, "model": "fit", "step": "1h", "horizons": ["1D"]},
        "models": {"fit": {"file": str(model), "max_age": "1D"}},
        "book": {"rulebook": "binance_usdm/BTCUSDT", "side": "long", "collateral": 1000, "leverage": 5},
        "sampling": {"paths": 65536, "block": 4096, "parameters": "drawn"},
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    assert load_study(tmp_path / "study.yaml").fits["fit"].uncertainty is not None
    done = call("check", str(tmp_path / "study.yaml"))
    assert done.code == 0 and "each with parameters of its own" in done.out, done.error


def test_the_page_is_whole(fitted) -> None:
    page = fitted[2].read_text()
    for text in (
        "<title>heston",
        "made up",
        "mean-reversion speed",
        'data-figure="density"',
        'data-figure="volatility"',
    ):
        assert text in page, text
    assert 'data-figure="smiles"' not in page and page.rstrip().endswith("</html>")


def earlier(values: np.ndarray, folder: Path) -> Path:
    """The same prices, four months shorter."""
    return write_prices(folder / "earlier.csv", values[: HOURS - 120 * 24])


def test_filter_brings_the_state_forward_and_nothing_else(values: np.ndarray, prices: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.yaml"
    assert call("calibrate", str(earlier(values, tmp_path)), "--model", "heston", "-o", str(model)).code == 0
    before = yaml.safe_load(model.read_text())
    done = call("filter", str(model), str(prices), "-o", str(tmp_path / "tonight.yaml"))
    assert done.code == 0, done.error
    after = yaml.safe_load((tmp_path / "tonight.yaml").read_text())
    assert "state at 2021-04-13T01:00:00Z" in done.out and "before" in done.out and "v0" in done.out
    assert yaml.safe_load(model.read_text()) == before  # the file that it came from is left alone
    assert after["parameters"]["v0"] != before["parameters"]["v0"]
    assert {k: v for k, v in after["parameters"].items() if k != "v0"} == {
        k: v for k, v in before["parameters"].items() if k != "v0"
    }
    assert after["fitted"]["as_of"] == before["fitted"]["as_of"] < after["filtered"]["as_of"]
    assert after["filtered"]["state"] == {"v0": before["parameters"]["v0"]}
    # the relative error of the state stays: its standard error moves with it, and so does the covariance
    for content in (before, after):
        spread = content["fitted"]["covariance"]["matrix"][0][0]
        content["relative"] = spread**0.5 / content["parameters"]["v0"]
    assert after["relative"] == pytest.approx(before["relative"], rel=5e-3)
    errors = after["fitted"]["standard_errors"]
    assert errors["v0"] == pytest.approx(after["fitted"]["covariance"]["matrix"][0][0] ** 0.5, rel=1e-2)


def test_filter_alone_changes_the_file_itself_and_can_be_repeated(
    values: np.ndarray, prices: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.yaml"
    assert call("calibrate", str(earlier(values, tmp_path)), "--model", "heston", "-o", str(model)).code == 0
    assert call("filter", str(model), str(prices)).code == 0
    once = model.read_text()
    assert call("filter", str(model), str(prices)).code == 0
    first, second = (yaml.safe_load(text) for text in (once, model.read_text()))
    assert second["parameters"] == first["parameters"]
    done = call("filter", str(model), str(tmp_path / "earlier.csv"))
    assert (
        done.code == 2
        and "must not end before the state" in done.error
        and "Give prices that reach further" in done.error
    )
    assert yaml.safe_load(model.read_text()) == second


def test_filter_refuses_what_has_no_state(prices: Path, tmp_path: Path) -> None:
    model = tmp_path / "gbm.yaml"
    model.write_text("kind: gbm\nparameters: {sigma: 0.6}\n")
    done = call("filter", str(model), str(prices), "-o", str(tmp_path / "out.yaml"))
    assert done.code == 2 and "gbm.yaml: kind = 'gbm': this model has no state" in done.error
    assert "heston" in done.error and not (tmp_path / "out.yaml").exists()


def test_filter_refuses_another_bar(prices: Path, tmp_path: Path) -> None:
    model = tmp_path / "garch.yaml"
    parameters = "{omega: 1.0e-6, alpha: 0.1, beta: 0.85, bar: 1D, h0: 1.0e-3}"
    model.write_text(f"kind: garch\nparameters: {parameters}\n")
    done = call("filter", str(model), str(prices))
    assert done.code == 2 and "bar = '1h': bars must have the length of the model's, 1D" in done.error


BAD = {
    "unknown model": (("--model", "hestn"), ("--model = 'hestn'", "Did you mean 'heston'")),
    "fitted to prices only": (
        ("--model", "gbm", "--options", "short.csv"),
        ("--model = 'gbm': cannot be fitted from an option chain", "give prices, without --options"),
    ),
    "no model": ((), ("--model", "is required")),
    "plot is a folder": (("--model", "gbm", "--plot", "."), ("--plot", "is a folder")),
    "too short for it": (("--model", "heston"), ("short.csv", "at least 365 complete days")),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_message_and_no_file(case: str, values: np.ndarray, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_prices(tmp_path / "short.csv", values[:500])
    words, parts = BAD[case]
    done = call("calibrate", "short.csv", "-o", "model.yaml", *words)
    assert done.code == 2 and "Traceback" not in done.error, done.error
    assert all(part in done.error for part in parts), done.error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["short.csv"]


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("timestamp,close", "2019-04-14T05:00:00Z,nan", "close = 'nan .row 7"),
        ("timestamp,close", "2019-04-14T05:00:00,101", "some stamps have a time zone and others have none"),
        ("timestamp,price,high", "", "the header line has 3 fields, and the rows have 2"),
    ],
)
def test_bad_prices_are_refused_by_the_command(header, row, message, values, tmp_path: Path) -> None:
    path = write_prices(tmp_path / "bad.csv", values[:300], header)
    if row:
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines[:6], row, *lines[7:]]) + "\n")
    done = call("calibrate", str(path), "--model", "gbm", "-o", str(tmp_path / "model.yaml"))
    assert done.code == 2 and not (tmp_path / "model.yaml").exists()
    assert re.search(message, done.error) and "bad.csv" in done.error, done.error


def test_neither_prices_nor_chain_is_refused(tmp_path: Path) -> None:
    done = call("calibrate", "--model", "gbm", "-o", str(tmp_path / "model.yaml"))
    assert done.code == 2 and "give a file of prices, or an option chain with --options" in done.error


def test_a_chain_is_fitted_and_its_dropped_quotes_are_counted(shared: Path, tmp_path: Path) -> None:
    chain = next((shared / "data" / "options_deribit_snapshot_nolicence").glob("*.csv.gz"))
    model, page = tmp_path / "chain.yaml", tmp_path / "chain.html"
    words = ("--options", str(chain), "--currency", "BTC", "--model", "heston", "-o", str(model), "--plot", str(page))
    done = call("calibrate", *words)
    assert done.code == 0, done.error
    assert "quotes of 12 expiries" in done.out and "dropped:" in done.out and "rmse, points" in done.out
    found = yaml.safe_load(model.read_text())["fitted"]
    assert found["underlying"] == "BTC" and sum(found["dropped"].values()) > 0 and len(found["smiles"]) == 12
    assert 'data-figure="smiles"' in page.read_text()


def test_models_says_what_each_can_be_fitted_to() -> None:
    done = call("models")
    assert done.code == 0, done.error
    for kind in MODELS:
        assert f"\n{kind}: " in f"\n{done.out}"
    assert "fitted to prices or an option chain; its state can be filtered" in done.out


def test_draws_of_the_state_move_with_it(prices: Path, tmp_path: Path) -> None:
    """In the space without bounds all by the same: the spread of log v0 stays, and kappa is left alone."""
    rows = [[0.2 + 0.01 * k, 30.0 + k] for k in range(25)]
    draws = {"names": ["v0", "kappa"], "values": rows}
    parameters = {"v0": 0.3, "kappa": 40.0, "theta": 0.4, "xi": 5.0, "rho": -0.5}
    model = tmp_path / "model.yaml"
    model.write_text(yaml.safe_dump({"kind": "heston", "parameters": parameters, "fitted": {"draws": draws}}))
    done = call("filter", str(model), str(prices))
    assert done.code == 0, done.error
    after = yaml.safe_load(model.read_text())
    moved = np.array(after["fitted"]["draws"]["values"])
    np.testing.assert_allclose(moved[:, 1], np.array(rows)[:, 1])
    ratio = after["parameters"]["v0"] / 0.3
    assert abs(ratio - 1) > 0.1
    np.testing.assert_allclose(moved[:, 0], ratio * np.array(rows)[:, 0], rtol=1e-3)
