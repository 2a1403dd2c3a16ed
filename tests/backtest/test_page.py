"""The page: what it says, and that it is self-contained."""

import re

import numpy as np
import pytest
from helpers.price_series import brownian_bars

from stresslab.backtest import Question, Spans, flat_levels, run_backtest
from stresslab.backtest.page import lead, points, render, summary, write_page

D = 86_400
SIDES, LEVERAGES = ("long", "short"), (5.0, 50.0)


@pytest.fixture(scope="module")
def ds():
    spans = Spans(D, D, 90 * D, 30 * D)
    levels = flat_levels(SIDES, LEVERAGES, 0.004)
    question = Question(("gbm", "merton"), SIDES, LEVERAGES, levels, "made <rules>", spans, 1000, 3)
    return run_backtest(brownian_bars(6 * 200, 4 * 3600), question)


@pytest.fixture(scope="module")
def page(ds):
    return render(ds)


def test_the_page_says_what_must_be_said(page):
    for text in ("Bars hold last prices, not mark", "not identifiable", "scaled excursions", "Kupiec", "Christoffersen",
                 "stationary bootstrap", "sha256", "5e-4", "Reliability"):  # fmt: skip
        assert text.replace("5e-4", "0.0005") in page, text
    assert "made &lt;rules&gt;" in page and "made <rules>" not in page


def test_nothing_is_fetched_and_nothing_changes(page, ds):
    assert "default-src &#39;none&#39;" in page
    assert not re.search(r'(src|href)="https?:', re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL))
    assert render(ds) == page


def test_every_drop_down_leads_somewhere(page, ds):
    """All picks of the tables and all variants of the figures exist for every choice."""
    for score in range(2):
        for baseline in range(3):
            assert f'data-pick="score:{score} baseline:{baseline}"' in page
    assert page.count('"forecaster:4 side:1 leverage:1"') == 2


def test_a_model_without_a_forecast_is_shown_as_one(page, ds):
    assert np.isnan(ds["probability"].sel(forecaster="merton")).all()  # no jumps are to be seen in these prices
    assert "no forecast" in page and "at least 30 returns beyond" in page
    assert "gbm forecast best" in lead(ds)


def test_what_cannot_be_told_is_printed(ds):
    assert any("long 5x, short 5x" in text for text in points(ds))
    rows = summary(ds)
    assert rows[0]["log skill, frequency"] == "not identifiable" and "to" in rows[1]["log skill, frequency"]
    assert {row["model"] for row in rows} == {"gbm"}
    assert any(text.startswith("merton: no forecast, every fit was refused: returns = ") for text in points(ds))
    nothing = ds.assign(skill=ds["skill"] * np.nan)
    assert lead(nothing).startswith("Nothing can be told")


def test_the_page_is_written(ds, page, tmp_path):
    write_page(ds, tmp_path / "new" / "backtest.html")
    assert (tmp_path / "new" / "backtest.html").read_text(encoding="utf-8") == page
