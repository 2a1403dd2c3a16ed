"""Doubts from the data to the reader: a fit refused or written, a study that uses it, its report, and --strict."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from calibrate.option_chains import quotes
from calibrate.test_doubts import flat_at_night
from test_cli import write
from test_cli_calibrate import call, write_prices

MODEL = {"models": {"gbm": {"file": "night.yaml"}}, "sweep": None}


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hourly closes of 200 days of a market that is closed at night, seed 1."""
    return write_prices(tmp_path_factory.mktemp("night") / "night.csv", flat_at_night(1))


@pytest.fixture(scope="module")
def night(prices: Path) -> Path:
    """GARCH of them, written all the same."""
    model = prices.with_name("night.yaml")
    words = ("--accept-doubtful", "--asset", "BTC", "--prices-are", "last")
    done = call("calibrate", str(prices), "--model", "garch", "-o", str(model), *words)
    assert done.code == 0, done.error
    assert "warning: garch cannot be fitted to prices that do not change in 33 % of the bars" in done.out
    return model


def test_a_doubtful_fit_is_refused(prices: Path, tmp_path: Path) -> None:
    words = ("-o", str(tmp_path / "model.yaml"), "--plot", str(tmp_path / "fit.html"))
    done = call("calibrate", str(prices), "--model", "garch", *words)
    assert done.code == 2 and not list(tmp_path.iterdir()), done.error
    for part in ("night.csv: --model = 'garch': the fit is doubtful", "do not change in 33 %", "--accept-doubtful"):
        assert part in done.error, done.error
    assert "beta:" not in done.error and "Traceback" not in done.error


def test_the_file_says_what_is_doubtful_and_whose_prices_it_was_fitted_to(night: Path) -> None:
    fitted = yaml.safe_load(night.read_text())["fitted"]
    assert fitted["asset"] == "BTC" and fitted["price_kind"] == "last"
    assert any("do not change" in text for text in fitted["doubts"]) and fitted["warnings"] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--prices-are", "bid"), "--prices-are = 'bid': the kind of price is one of spot, last, mark"),
        (("--asset", "a b"), "--asset = 'a b': an asset is a name"),
    ],
)
def test_what_is_said_of_the_data_is_checked(words, message: str, prices: Path, tmp_path: Path) -> None:
    done = call("calibrate", str(prices), "--model", "gbm", "-o", str(tmp_path / "model.yaml"), *words)
    assert done.code == 2 and message in done.error and not list(tmp_path.iterdir()), done.error


def study_of(night: Path, folder: Path, **changes) -> Path:
    as_of = f"{yaml.safe_load(night.read_text())['fitted']['as_of']:%Y-%m-%dT%H:%M:%SZ}"
    (folder / "night.yaml").write_text(night.read_text())
    return write(folder, **({"as_of": as_of, "book__rulebook": "binance_usdm/BTCUSDT@2021"} | MODEL | changes))


def test_check_run_and_report_repeat_the_doubts(night: Path, tmp_path: Path) -> None:
    """Once each, and on the page before the answer."""
    study, doubts = study_of(night, tmp_path), yaml.safe_load(night.read_text())["fitted"]["doubts"]
    checked = call("check", str(study))
    page, store = tmp_path / "report.html", tmp_path / "results"
    done = call("run", str(study), "--store", str(store), "--report", str(page), "-q")
    assert (checked.code, done.code) == (0, 0), done.error
    for said in (checked.error, done.error):
        assert said.count("warning: models.gbm.file = 'night.yaml': the fit in this file is doubtful") == 1
    first_screen = page.read_text()[: page.read_text().index('<section id="answer">')]
    assert "1 warning: these numbers may be wrong" in first_screen
    for text in doubts:
        assert text in checked.error and text in done.error and text in first_screen
    out = tmp_path / "run.nc"
    assert call("export", str(store), "-o", str(out)).code == 0
    with xr.open_dataset(out) as stored:
        assert len(json.loads(stored.attrs["warnings"])) == 1


@pytest.mark.parametrize("command", ["check", "run", "max-leverage"])
def test_strict_makes_a_doubt_an_error(command: str, night: Path, tmp_path: Path) -> None:
    study = study_of(night, tmp_path)
    more = {"run": ("--store", str(tmp_path / "results")), "max-leverage": ("--ruin", "0.1", "--horizon", "1D")}
    done = call(command, str(study), "--strict", *more.get(command, ()))
    assert done.code == 2 and done.out == "", done.out
    assert re.match(r"stresslab: .*study.yaml: models.gbm.file = 'night.yaml': the fit in this file", done.error)
    assert not (tmp_path / "results").exists()


def test_strict_says_all_other_doubts_too_and_nothing_where_there_are_none(tmp_path: Path) -> None:
    study = write(tmp_path, models__gbm__sigma=60.0, funding__rate=0.01)
    done = call("check", str(study), "--strict")
    assert done.code == 2 and done.error.count("warning: ") == 1 and done.error.count("stresslab: ") == 1
    fine = call("check", str(write(tmp_path)), "--strict")
    assert fine.code == 0 and fine.error == ""


def test_a_night_that_has_not_come(tmp_path: Path) -> None:
    """The year 2200: in the future of any run. It is in no attribute, and on the page by the run's own clock."""
    study = write(tmp_path, as_of="2200-01-01T00:00:00Z", sweep=None, book__rulebook="binance_usdm/BTCUSDT@2025-08-19")
    page, store = tmp_path / "report.html", tmp_path / "results"
    done = call("run", str(study), "--store", str(store), "--report", str(page))
    assert done.code == 0 and done.error.count("the date lies in the future") == 1, done.error
    assert "The date lies in the future" in page.read_text()
    assert call("check", str(study), "--strict").code == 2
    assert call("export", str(store), "-o", str(tmp_path / "run.nc")).code == 0
    with xr.open_dataset(tmp_path / "run.nc") as stored:
        assert stored.attrs["warnings"] == "[]"


def test_a_chain_names_its_asset(tmp_path: Path) -> None:
    quotes(lambda t, k: 0.6 + 0.1 * (k - 1) ** 2).to_csv(tmp_path / "chain.csv", index=False)
    words = ("calibrate", "--options", str(tmp_path / "chain.csv"), "-o", str(tmp_path / "smile.yaml"), "--model")
    done = call(*words, "sabr")
    assert done.code == 0, done.error
    asset = yaml.safe_load((tmp_path / "smile.yaml").read_text())["fitted"]["asset"]
    assert f"data: the asset is {asset}, the chain's underlying" in done.out
    other = call(*words, "sabr", "--asset", "SOL")
    assert other.code == 2 and f"the chain's underlying is {asset}" in other.error
    (tmp_path / "smile.yaml").unlink()
    doubtful = call(*words, "heston")  # the smile is the same at all expiries
    assert doubtful.code == 2 and "kappa sits on its bound" in doubtful.error
    assert not (tmp_path / "smile.yaml").exists()


@pytest.mark.parametrize("name", ["flat_hours_at_night", "flat_hours_at_night_2"])
def test_the_case_of_flat_hours(name: str, shared: Path, tmp_path: Path) -> None:
    """cases/files: refused, or written only when asked for, and then repeated by the study that uses it."""
    folder = shared / "cases" / "files"
    words = ("calibrate", str(folder / f"{name}.csv.gz"), "--model", "garch", "-o")
    model = tmp_path / "flat_hours_at_night.garch.yaml"
    refused = call(*words, str(model))
    assert refused.code == 2 and not model.exists() and "garch.beta" not in refused.error
    assert "do not change in 33 % of the bars" in refused.error
    assert call(*words, str(model), "--accept-doubtful").code == 0
    (tmp_path / "study.yaml").write_text((folder / "flat_hours_at_night.yaml").read_text())
    checked = call("check", str(tmp_path / "study.yaml"))
    assert checked.code == 0 and "do not change in 33 % of the bars" in checked.error


def test_the_made_up_night_is_of_the_kind_of_the_case() -> None:
    """A third of the bars stand still."""
    assert np.mean(flat_at_night(1) == 0) == pytest.approx(1 / 3)
