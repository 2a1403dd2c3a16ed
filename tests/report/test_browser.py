"""The page as a reader meets it: in a browser, offline, on a desktop and on a phone."""

import json
import re

import pytest
from report import synthetic
from report.browser import CHROMIUM, DRIVER, browser

from stresslab.report import write_report

pytestmark = pytest.mark.skipif(not (DRIVER and CHROMIUM), reason="needs chromium and chromedriver")

HOSTILE = "<img src=x onerror='window.hit=1'></script><script>window.hit=1</script>%{x}&amp;\"'"
DRAWN = """return Array.from(document.querySelectorAll(".canvas")).map((canvas) => {
  const svg = canvas.querySelector("svg.main-svg"), box = svg ? svg.getBoundingClientRect() : {width: 0, height: 0};
  const marks = canvas.querySelectorAll(".trace path, .trace text, .bars path").length;
  return [canvas.dataset.figure, box.width, box.height, marks, canvas.clientWidth];
});"""
WIDTHS = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth];"
CHOOSE = """const pick = document.querySelectorAll("select[data-dim='%s']")[0];
pick.value = "%d"; pick.dispatchEvent(new Event("change"));"""


def drawn(window):
    """Name, width, height, marks and room of every figure, once all of them have marks."""
    return window.until(DRAWN, lambda figures: all(marks for *_, marks, _ in figures))


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def nightly_page(tmp_path_factory, nightly):
    path = tmp_path_factory.mktemp("page") / "nightly.html"
    write_report(nightly, synthetic.provenance(), path)
    return path


@pytest.fixture(scope="module")
def desktop(window, nightly_page):
    """The nightly page, opened once for the tests that leave it open; what was asked for, and said, on loading it."""
    window.open(nightly_page)
    return window, window.requests(), window.console()


def test_every_figure_is_drawn_without_a_word_on_the_console(desktop):
    window, _, console = desktop
    figures = {name: size for name, *size in drawn(window)}
    assert list(figures) == ["ruin", "survival", "losses", "causes"]
    for name, (width, height, marks, room) in figures.items():
        assert width > 300 and height > 300 and marks >= 3, name
        assert width <= room + 1, name
    assert console == []


def test_a_choice_moves_every_figure_and_table_that_has_the_dimension(desktop):
    window = desktop[0]
    seen = """return [document.querySelector("#events tbody.on .title").textContent,
      document.querySelector("#money tbody.on .title").textContent,
      Array.from(document.querySelectorAll("select[data-dim='1']")).map((pick) => pick.value),
      document.querySelector("[data-figure=survival] .scatterlayer path.js-line").getAttribute("d")];"""
    before = window.run(seen)
    side = 1 - int(before[2][0])
    window.run(CHOOSE % ("1", side))
    after = window.run(seen)
    assert after[0] == after[1] == f"heston \u00b7 {('long', 'short')[side]}" != before[0]
    assert set(after[2]) == {str(side)}
    assert before[3] != after[3]
    window.run(CHOOSE % ("2", 5))  # 100x, which is not allowed: the reason stands in place of the figure
    note = window.run("return document.querySelector('#survival .note').textContent;")
    assert "not allowed" in note and "at most 50x" in note
    assert window.run("return document.querySelector('[data-figure=survival]').clientHeight;") == 0
    window.run(CHOOSE % ("2", 0))
    assert window.run("return document.querySelector('[data-figure=survival]').clientHeight;") > 300
    assert window.console() == []


def test_figures_follow_the_scheme_and_the_printer(desktop):
    window = desktop[0]
    ink = "return getComputedStyle(document.querySelector('[data-figure=ruin] .legendtext')).fill;"
    light = window.run(ink)
    window.scheme("dark")
    dark = window.until(ink, lambda colour: colour != light)
    assert light != dark
    window.run("window.dispatchEvent(new Event('beforeprint'));")
    assert window.run(ink) == light
    window.run("window.dispatchEvent(new Event('afterprint'));")
    assert window.run(ink) == dark


def test_the_reason_of_a_cell_is_shown_on_touch_and_keyboard(desktop):
    window = desktop[0]
    window.run("document.querySelector('.heat td.none').focus();")
    text, hidden = window.run("const tip = document.getElementById('tip'); return [tip.textContent, tip.hidden];")
    assert not hidden and "not allowed" in text and "at most 50x" in text


def test_nothing_is_asked_for_from_outside(desktop, nightly_page):
    window, asked, _ = desktop
    assert nightly_page.as_uri() in asked  # the log does record requests
    assert [url for url in asked if not url.startswith((nightly_page.as_uri(), "data:", "blob:"))] == []
    window.run("fetch('https://example.org/').catch(() => {}); new Image().src = 'https://example.org/x.png';")
    refused: list[str] = []
    window.until("return 0;", lambda _: refused.extend(window.console()) or len(refused) >= 2)
    assert len(refused) >= 2 and all("Content Security Policy" in text for text in refused)


def test_a_phone_needs_no_sideways_scroll(window, nightly_page):
    window.open(nightly_page, width=390)
    needed, there = window.run(WIDTHS)
    assert there == 390 and needed <= there
    assert all(width <= 390 for _, width, *_ in drawn(window))
    assert window.console() == []


def test_hostile_names_are_shown_and_never_run(window, tmp_path):
    sweep = {"market.model": ["gbm", HOSTILE], "book.leverage": [5, 10], f"x.{HOSTILE}": [1, 2]}
    limits = [{"name": HOSTILE, "event": "liquidation", "horizon": "1D", "where": {"leverage": 5}, "max": 0.05}]
    ds = synthetic.dataset(
        sweep,
        horizons=("1D", "7D"),
        limits=limits,
        study=HOSTILE,
        n_paths=512,
        status=lambda coords: ("not_allowed", HOSTILE) if coords["leverage"] == 10 else ("ok", ""),
    )
    path = tmp_path / "hostile.html"
    write_report(ds, {"device": HOSTILE, HOSTILE: HOSTILE}, path)
    window.open(path)
    window.run("document.querySelectorAll('.heat td').forEach((cell) => cell.focus());")
    assert window.run("return window.hit === undefined && document.querySelectorAll('img').length;") == 0
    assert window.run("return document.querySelector('h1').textContent;") == HOSTILE
    legend = window.run(
        "return Array.from(document.querySelectorAll('[data-figure=ruin] .legendtext'), (t) => t.textContent);"
    )
    assert HOSTILE in legend and any(HOSTILE in text and text.startswith("limit ") for text in legend)
    assert window.run("return document.querySelectorAll('script').length;") == 4
    assert window.console() == []


FOUR = {
    "market.model": ["gbm", "heston"],
    "book.side": ["long", "short"],
    "funding.rate": [1e-4, 5e-4],
    "book.a_dimension_with_a_very_long_name": [1, 2, 3],
}


@pytest.mark.parametrize("sweep", [{}, {"market.model": ["gbm", "heston"]}, FOUR], ids=len)
def test_other_sweeps_are_drawn_too(window, tmp_path, sweep):
    path = tmp_path / "page.html"
    write_report(synthetic.dataset(sweep, horizons=("1D", "7D"), n_paths=256), {}, path)
    window.open(path, width=390)
    assert [name for name, *_, marks, _ in drawn(window) if marks] == ["ruin", "survival", "losses", "causes"]
    needed, there = window.run(WIDTHS)
    assert needed <= there
    assert window.console() == []


def test_the_page_can_be_read_without_scripts(nightly_page):
    text = re.sub(r"<script.*?</script>", "", nightly_page.read_text(), flags=re.S)
    for word in ("At 10x", "value at risk 95", "not allowed", "shortfall", "heston \u00b7 short"):
        assert word in text


@pytest.mark.parametrize("width", [1280, 390])
def test_warnings_stand_whole_on_the_first_screen(width, window, nightly, tmp_path):
    """Two of them, above the answer, not wider than the page."""
    texts = ["models.gbm = '400 % a year': the volatility at as_of is above 300 % a year. Check the units"] * 2
    write_report(nightly.assign_attrs(warnings=json.dumps(texts)), synthetic.provenance(), tmp_path / "page.html")
    window.open(tmp_path / "page.html", width)
    top, bottom, right, room, answer = (
        window.run("""const box = document.getElementById("doubts").getBoundingClientRect();
      return [box.top, box.bottom, box.right, document.documentElement.clientWidth,
        document.getElementById("answer").getBoundingClientRect().top];""")
    )
    assert 0 < top < bottom < min(answer, 900) and right <= room
