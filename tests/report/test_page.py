"""The page as text: self-contained, escaped, the same every time."""

import base64
import hashlib
import html
import json
import re

import pytest
from report import synthetic

from stresslab.errors import RunError
from stresslab.report import render, write_report

HOSTILE = "<script>alert(1)</script>&\"'"


@pytest.fixture(scope="module")
def page(nightly):
    return render(nightly, synthetic.provenance())


def bodies(page):
    return re.findall(r"<script[^>]*>(.*?)</script>", page, flags=re.S)


def without_scripts(page):
    return re.sub(r"<script.*?</script>", "", page, flags=re.S)


def test_the_page_refers_to_nothing_outside_itself(page):
    text = without_scripts(page)
    assert not re.search(r"https?:|//\w", text)
    assert not re.search(r"url\(|@import", text)
    assert set(re.findall(r"(?:src|href)=\"([^\"]*)", text)) <= {
        "data:,",
        *(f"#{name}" for name in re.findall(r'id="(\w+)"', text)),
    }
    assert not re.search(r"<(?:script|img|iframe|link)[^>]*\ssrc=", page)


def test_plotly_is_inlined_once(page):
    assert page.count("plotly.js v") == 1
    assert len(page) < 6e6


def test_the_policy_lets_these_scripts_run_and_no_other(page):
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    code = [body for body in bodies(page) if not body.startswith("{")]
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}'" for body in code}
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'" and set(rules["script-src"].split()) == hashes
    assert len(hashes) == 3


def test_the_same_dataset_gives_the_same_page(page, nightly):
    assert render(nightly, synthetic.provenance()) == page


def test_names_from_the_study_are_escaped_everywhere():
    sweep = {"market.model": [HOSTILE, "gbm"], "book.leverage": [5, 10]}
    limits = [{"name": HOSTILE, "event": "liquidation", "horizon": "1D", "where": {}, "max": 0.01}]
    ds = synthetic.dataset(
        sweep, ("1D",), limits, lambda coords: ("target_not_met", HOSTILE), n_paths=256, study=HOSTILE
    )
    page = render(ds, {HOSTILE: HOSTILE})
    assert "<script>alert" not in page and page.count("</script>") == 4
    data = json.loads(bodies(page)[1])
    names = {trace["name"] for variant in data["figures"]["ruin"]["variants"].values() for trace in variant["data"]}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;\"'" in names  # once for plotly, which reads some HTML


def test_every_section_is_there(page):
    order = re.findall(r'<section id="(\w+)"', page)
    assert order == [
        "limits",
        "answer",
        "ruin",
        "survival",
        "losses",
        "causes",
        "events",
        "money",
        "gaps",
        "worse",
        "method",
        "glossary",
    ]


@pytest.mark.parametrize("word", ["pass", "breach", "undecided"])
def test_states_are_words_and_signs_not_colours_alone(page, word):
    chip = next(
        chip for chip in re.findall(r'<li class="chip.*?</li>', page, flags=re.S) if f"</span> {word}</b>" in chip
    )
    assert re.search(r"[✓▲◆]", chip)


def test_cells_without_a_number_show_on_the_limit_that_selects_them():
    limits = [{"name": "all", "event": "liquidation", "horizon": "1D", "where": {}, "max": 0.99}]
    ds = synthetic.dataset(
        {"book.leverage": [5, 10]},
        ("1D",),
        limits,
        lambda coords: ("not_allowed", "no") if coords["leverage"] == 10 else ("ok", ""),
        n_paths=256,
    )
    assert "1 of 2 cells without a number" in render(ds, {})


@pytest.mark.parametrize("status", ["failed", "not_allowed"])
def test_a_run_without_any_number_still_makes_a_page(status):
    ds = synthetic.dataset({"book.leverage": [5, 10]}, ("1D",), status=lambda coords: (status, "because"), n_paths=256)
    assert "No cell of this study has a number" in render(ds, {})


def test_five_dimensions_of_any_name():
    sweep = {f"part.dim {k}": [k + 1, k + 2] for k in range(4)} | {"book.side": ["long", "short"]}
    page = render(synthetic.dataset(sweep, ("1D",), n_paths=256), {})
    assert page.count('class="panels') == 4 and page.count('<table class="heat"') == 16


def test_a_grid_too_large_for_a_page_says_what_is_left_out():
    ds = synthetic.dataset({"book.leverage": list(range(2, 52)), "x.scale": list(range(8))}, ("1D",), n_paths=64)
    assert "of 400 cells; the dataset has all of them" in render(ds, {})


def test_the_page_is_written_in_one_move(tmp_path, nightly, page, monkeypatch):
    path = tmp_path / "new folder" / "report.html"
    write_report(nightly, synthetic.provenance(), path)
    assert path.read_text(encoding="utf-8") == page

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr("stresslab.files.writing.os.replace", broken)
    with pytest.raises(RunError, match="report.html: could not write: disk full"):
        write_report(nightly, {}, path)
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]
    assert path.read_text(encoding="utf-8") == page


def warned(dataset, *texts):
    return dataset.assign_attrs(warnings=json.dumps(list(texts)))


def test_warnings_stand_before_the_answer(nightly):
    found = [f"models.m{number} = 1: number {number} <is> doubtful. Mend it" for number in range(7)]
    page = render(warned(nightly, *found), synthetic.provenance())
    top = page[: page.index('<section id="answer">')]
    assert "7 warnings: these numbers may be wrong" in top
    for number in range(7):
        assert f"<b>models.m{number} = 1</b> Number {number} &lt;is&gt; doubtful. Mend it." in top
    assert "<summary>2 more</summary>" in top
    one = render(warned(nightly, found[0]), synthetic.provenance())
    assert "1 warning: these numbers" in one and "more</summary>" not in one


def test_a_run_without_warnings_and_one_of_before_have_no_box(page, nightly):
    assert "warnings" not in nightly.attrs and 'id="doubts"' not in page
    assert 'id="doubts"' not in render(warned(nightly), synthetic.provenance())


@pytest.mark.parametrize(("started", "said"), [("2026-11-20T23:59:59Z", True), ("2026-11-21T00:00:00Z", False)])
def test_a_night_that_had_not_come_is_told_from_the_clock_of_the_run(started, said, nightly):
    page = render(nightly, synthetic.provenance() | {"started": started})
    assert ("The date lies in the future: it is 2026-11-20T23:59:59Z now" in page) == said
