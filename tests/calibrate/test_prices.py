import hashlib

import numpy as np
import pytest

from stresslab.calibrate import log_returns, read_bars
from stresslab.calibrate.prices import daily
from stresslab.errors import InputError

HEADER = "timestamp,open,high,low,close,volume\n"
ROWS = [
    "2024-01-01T00:00:00Z,100,101,99,100,1",
    "2024-01-01T01:00:00Z,100,103,99,102,1",
    "2024-01-01T02:00:00Z,102,103,100,101,1",
]


def write(folder, rows, header=HEADER):
    path = folder / "prices.csv"
    path.write_text(header + "\n".join(rows) + "\n")
    return path


def hours(which, close=100.0):
    return [f"2024-01-{1 + h // 24:02d}T{h % 24:02d}:00:00Z,{close},{close},{close},{close},1" for h in which]


def test_bars_and_their_returns(tmp_path):
    bars = read_bars(write(tmp_path, ROWS))
    assert (bars.seconds, bars.gaps, bars.longest_gap, len(bars.stamps)) == (3600, 0, 0, 3)
    assert bars.stamps[0] == np.datetime64("2024-01-01", "s").astype(int)
    returns = log_returns(bars)
    np.testing.assert_allclose(returns.values, np.log([102 / 100, 101 / 102]), atol=1e-14)  # logs of 4.6, rounded
    assert (returns.dropped, returns.bars, returns.end) == (0, 3, bars.stamps[0] + 3 * 3600)
    assert returns.dt == 1 / 8760


def test_a_return_never_spans_a_gap(tmp_path):
    # hours 2 and 3 are missing, and hour 6: two gaps, the longest of two bars; 8 bars left of 11
    present = [0, 1, 4, 5, 7, 8, 9, 10]
    rows = [hours([h], 100.0 + h)[0] for h in present]
    bars = read_bars(write(tmp_path, rows))
    assert (bars.gaps, bars.longest_gap) == (2, 2)
    returns = log_returns(bars)
    assert returns.dropped == 2
    assert ((returns.stamps - bars.stamps[0]) // 3600).tolist() == [1, 5, 8, 9, 10]
    np.testing.assert_allclose(
        returns.values, np.log([101 / 100, 105 / 104, 108 / 107, 109 / 108, 110 / 109]), atol=1e-14
    )


def test_a_last_bar_behind_a_gap_still_ends_the_data(tmp_path):
    returns = log_returns(read_bars(write(tmp_path, [*hours([0, 1, 2]), *hours([5], 101.0)])))
    assert returns.dropped == 1
    assert returns.end - returns.first == 6 * 3600


def test_a_hole_inside_a_day_changes_no_realised_variance_but_its_own_and_one_over_an_end_leaves_no_day(tmp_path):
    # five days; the first lacks the return into its first bar; hour 50 is missing inside the third, or hour 71, its
    # last: the move over it belongs to the third and to the fourth
    rng = np.random.default_rng(1)
    closes = 100 * np.exp(np.cumsum(0.01 * rng.standard_normal(120)))
    moves = np.diff(np.log(closes))
    inside, over = (
        daily(log_returns(read_bars(write(tmp_path, [hours([h], c)[0] for h, c in enumerate(closes) if h != gone]))))
        for gone in (50, 71)
    )
    third = np.sum(moves[47:71] ** 2) - moves[49] ** 2 - moves[50] ** 2 + (moves[49] + moves[50]) ** 2
    second, fourth, fifth = (np.sum(moves[first : first + 24] ** 2) for first in (23, 71, 95))
    np.testing.assert_allclose(inside.variances, [second, third, fourth, fifth], rtol=1e-12)
    sums = [moves[first : first + 24].sum() for first in (23, 47, 71, 95)]
    np.testing.assert_allclose(inside.returns, sums, rtol=1e-11)
    np.testing.assert_allclose(over.variances, [second, np.nan, np.nan, fifth], rtol=1e-12)
    days = inside
    assert days.bars == 24 and days.stamps[0] == np.datetime64("2024-01-02", "s").astype(int)


def test_bars_that_do_not_make_a_day_are_refused(tmp_path):
    rows = [f"2024-01-01T{h:02d}:00:00Z,{1 + h},{1 + h},{1 + h},{1 + h},1" for h in (0, 7, 14, 21)]
    with pytest.raises(InputError, match="bars must divide a day"):
        daily(log_returns(read_bars(write(tmp_path, rows))))
    with pytest.raises(InputError, match="no day of the prices is complete"):
        daily(log_returns(read_bars(write(tmp_path, ROWS))))


def test_what_a_file_holds_is_said_in_words(tmp_path):
    present = [0, 1, 4, 5, 7, 8, 9, 10]
    bars = read_bars(write(tmp_path, [hours([h], 100.0 + h)[0] for h in present]))
    assert bars.words() == [
        "8 bars of 1h, opens from 2024-01-01 00:00 to 2024-01-01 10:00 UTC",
        "stamps: column 'timestamp', ISO 8601, UTC",
        "3 bars are missing in 2 holes, the longest of 2 (27.3% of the record); "
        "the largest move over a hole is +3.0%, at 2024-01-01 04:00",
    ]
    whole = read_bars(write(tmp_path, ROWS))
    assert whole.words()[2:] == ["no bar is missing"]


def test_odd_prices_are_remarked_on(tmp_path):
    closes = [100.0, 100.0, 100.0, 300.0, 301.0]
    rows = [hours([h], close)[0].removesuffix(",1") for h, close in enumerate(closes)]
    bars = read_bars(write(tmp_path, rows, HEADER.replace(",volume", "")))
    assert (
        "the close stands still in 50% of the bars, in runs of up to 2, the first at 2024-01-01 00:00"
        in bars.words()[3]
    )
    assert "a factor of two or more in 1 bars, first at 2024-01-01 03:00" in bars.words()[4]


def test_returns_say_where_they_are_from(tmp_path):
    bars = read_bars(write(tmp_path, ROWS))
    returns = log_returns(bars)
    assert returns.origin is bars and returns.observations == 2
    provenance = returns.provenance
    assert list(provenance) == ["first", "last", "bar", "bars", "dropped_returns", "sha256", "read_as"]
    assert (provenance["bar"], provenance["bars"], provenance["dropped_returns"]) == ("1h", 3, 0)
    assert provenance["sha256"] == hashlib.sha256((tmp_path / "prices.csv").read_bytes()).hexdigest()
