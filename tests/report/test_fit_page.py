"""The page of a fit: its figures from the residuals and smiles, escaped, and drawn in a browser without a word."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from calibrate.price_histories import hourly
from report.browser import CHROMIUM, DRIVER, browser

from stresslab.calibrate import Fit, Smile
from stresslab.calibrate.fit import make_fit
from stresslab.report import fit_figures, fitted
from stresslab.report.fit_page import render_fit

HOSTILE = "<img src=x onerror='window.hit=1'></script><script>window.hit=1</script>"
PARAMETERS = {"v0": 0.3, "kappa": 6.0, "theta": 0.5, "xi": 2.0, "rho": -0.4}
ERRORS = {"v0": 0.03, "kappa": 9.0, "theta": 0.05, "xi": 0.3, "rho": 0.3}
RETURNS = hourly(0.008 * np.random.default_rng(1).standard_t(4, 3000))


def smile(days: int) -> Smile:
    strikes = 100.0 * np.linspace(0.8, 1.2, 9)
    market = 0.5 + 0.3 * (strikes / 100 - 1) ** 2
    return Smile(1_700_000_000 + 86_400 * days, 100.0, strikes, market, market + 0.01)


def make(smiles: tuple[Smile, ...] = (), **more) -> Fit:
    z = RETURNS.values / RETURNS.values.std()
    volatility = np.full(len(z), 0.7)
    plain = {} if smiles else {"residuals": z, "volatility": volatility, "log_likelihood": 1000.0}
    return make_fit("heston", RETURNS, PARAMETERS, ERRORS, f"By hand. {HOSTILE}", smiles=smiles, **plain, **more)


def page(fit: Fit, source: str = "nowhere") -> str:
    return render_fit(fit, fit.document(source), ["3001 bars"], None if fit.smiles else RETURNS)


def test_rows_have_estimates_errors_and_intervals_inside_the_bounds():
    rows = {row["parameter"]: row for row in fitted.parameter_rows(make())}
    assert rows["v0"]["estimate"] == "0.3" and rows["v0"]["error"] == "0.03" and rows["v0"]["t"] == "10.0"
    low, high = map(float, rows["kappa"]["95 % interval"].split(" to "))
    assert low == pytest.approx(6 * np.exp(-1.96 * 1.5), rel=1e-3) and high == pytest.approx(
        6 * np.exp(1.96 * 1.5), rel=1e-3
    )
    low, high = map(float, rows["rho"]["95 % interval"].split(" to "))
    assert -1 < low < -0.7 and 0 < high < 0.4
    assert rows["rho"]["meaning"] == "correlation of price and variance"


def test_states_and_held_numbers_say_so():
    fit = make_fit(
        "heston", RETURNS, PARAMETERS, {"theta": 0.1, "xi": 0.1, "rho": 0.1}, "", state=("v0",), fixed=("kappa",)
    )
    rows = {row["parameter"]: row for row in fitted.parameter_rows(fit)}
    assert (rows["v0"]["error"], rows["kappa"]["error"]) == ("state", "held fixed") and rows["v0"]["t"] == "-"


def test_what_the_data_do_not_tell_is_a_warning():
    assert fitted.warnings(make(warnings=("it sits on its bound",))) == [
        "it sits on its bound",
        "not identified by these data: kappa (standard error above the estimate)",
    ]


def test_the_density_is_that_of_the_residuals():
    z = np.random.default_rng(2).standard_normal(20_000)
    bars, line = fit_figures.density(z)["variants"][""]["data"]
    share = np.nansum(np.array(bars["y"], float)) * fit_figures.BIN
    assert share == pytest.approx(1.0, abs=1e-4)
    near = {x: y for x, y in zip(bars["x"], bars["y"], strict=True)}[0.125]
    assert near == pytest.approx(0.397, abs=0.02)  # 20,000 draws, a bin of 0.1: relative error 2.3 %
    assert max(line["y"]) == pytest.approx(0.39894, rel=1e-3)
    far = fit_figures.density(np.array([-50.0, 0.0, 0.3, 50.0]))["variants"][""]["data"][0]["y"]
    assert far[0] is not None and far[-1] is not None  # what lies beyond is at the edges


def test_quantiles_keep_both_tails():
    z = np.sort(np.random.default_rng(3).standard_normal(30_000))
    points = fit_figures.quantiles(z)["variants"][""]["data"][1]
    assert points["y"][0] == pytest.approx(z[0], rel=1e-4) and points["y"][-1] == pytest.approx(z[-1], rel=1e-4)
    assert len(points["x"]) <= fit_figures.MOST_POINTS and np.all(np.diff(points["x"]) >= 0)


def test_volatility_is_put_beside_the_realised_one():
    realised, model = fit_figures.volatility(np.full(3000, 0.7), RETURNS)["variants"][""]["data"]
    days = RETURNS.values[: 125 * 24].reshape(-1, 24)
    expected = 100 * np.sqrt((days**2).mean(axis=1) * 8760)
    np.testing.assert_allclose(np.array(realised["y"], float)[:120], expected[:120], rtol=1e-4)
    assert set(model["y"]) == {70.0}


def test_every_expiry_has_its_smile():
    figure = fit_figures.smiles((smile(7), smile(30)))
    assert list(figure["variants"]) == ["0:0", "0:1"] and figure["selects"] == ["0"]
    market, model = figure["variants"]["0:1"]["data"]
    np.testing.assert_allclose(np.array(model["y"]) - np.array(market["y"]), 1.0, atol=1e-3)
    rows = fitted.smile_rows(make((smile(7),)))
    assert rows[0]["quotes"] == "9" and rows[0]["rmse, points"] == "1.00"


@pytest.mark.parametrize("smiles", [(), (smile(7), smile(30))])
def test_the_page_is_self_contained_and_escaped(smiles):
    text = page(make(smiles), source=HOSTILE)
    outside = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    assert not re.search(r"https?:|//\w|url\(|@import", outside) and "<img" not in outside
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, flags=re.S)[1])
    assert set(data["figures"]) == ({"smiles"} if smiles else {"density", "quantiles", "clustering", "volatility"})
    assert text == page(make(smiles), source=HOSTILE)


@pytest.mark.skipif(not (DRIVER and CHROMIUM), reason="needs chromium and chromedriver")
def test_figures_are_drawn_without_a_word_on_the_console(tmp_path: Path):
    drawn = """return Array.from(document.querySelectorAll(".canvas")).map((canvas) => [
      canvas.dataset.figure, canvas.querySelectorAll(".trace path, .point path, .lines path").length, window.hit]);"""
    with browser(tmp_path / "profile") as window:
        for name, fit in (("prices", make()), ("chain", make((smile(7), smile(30))))):
            (tmp_path / f"{name}.html").write_text(page(fit, source=HOSTILE))
            for width in (1280, 390):
                window.open(tmp_path / f"{name}.html", width)
                found = window.until(drawn, lambda figures: figures and all(marks for _, marks, _ in figures))
                assert found and all(marks > 0 and hit is None for _, marks, hit in found), found
                wide, room = window.run(
                    "return [document.documentElement.scrollWidth, document.documentElement.clientWidth];"
                )
                assert wide <= room and window.console() == []
                assert all(url.startswith(("file:", "data:")) for url in window.requests())
