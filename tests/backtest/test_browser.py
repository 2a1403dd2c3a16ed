"""The page in a browser: drawn, quiet, and its drop-downs work."""

import pytest
from helpers.price_series import brownian_bars
from report.browser import CHROMIUM, DRIVER, browser

from stresslab.backtest import Question, Spans, flat_levels, run_backtest
from stresslab.backtest.page import write_page

pytestmark = pytest.mark.skipif(not (DRIVER and CHROMIUM), reason="needs chromium and chromedriver")

D = 86_400
DRAWN = """return Array.from(document.querySelectorAll(".canvas")).map((canvas) =>
  [canvas.dataset.figure, canvas.hidden || canvas.querySelectorAll(".trace path, .trace .point").length > 0]);"""
CHOOSE = """const pick = document.querySelector("select[data-dim='%s']");
pick.value = "%d"; pick.dispatchEvent(new Event("change"));"""
SHOWN = "return document.querySelector('#skill tbody.on').dataset.pick;"
NOTE = "return document.querySelector('#skill .note').textContent;"


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    spans = Spans(D, D, 90 * D, 30 * D)
    sides, leverages = ("long", "short"), (5.0, 20.0)
    question = Question(("gbm",), sides, leverages, flat_levels(sides, leverages, 0.004), "made", spans, 1000, 3)
    path = tmp_path_factory.mktemp("page") / "backtest.html"
    write_page(run_backtest(brownian_bars(6 * 300, 4 * 3600), question), path)
    with browser(tmp_path_factory.mktemp("profile")) as found:
        found.open(path)
        yield found


def test_figures_are_drawn_without_a_word_and_without_a_request(window):
    drawn = window.until(DRAWN, lambda figures: all(done for _, done in figures))
    assert [name for name, _ in drawn] == ["skill", "reliability", "time"] and all(done for _, done in drawn)
    asked = [url for url in window.requests() if not url.startswith("data:")]
    assert window.console() == [] and len(asked) == 1


def test_a_choice_moves_table_and_figure(window):
    assert window.run(SHOWN) == "score:1 baseline:2"
    window.run(CHOOSE % ("baseline", 0))
    assert window.run(SHOWN) == "score:1 baseline:0"
    window.run(CHOOSE % ("leverage", 0))
    assert window.run(NOTE) == "No figure: not identifiable."
