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
    returns = log_returns(read_bars(write(tmp_path, hours([0, 1, 2, 5]))))
    assert returns.dropped == 1
    assert returns.end - returns.first == 6 * 3600


def test_days_with_a_missing_return_are_no_data(tmp_path):
    # four days; the first lacks the return into its first bar, the third lacks hour 50 and so two returns
    rng = np.random.default_rng(1)
    closes = 100 * np.exp(np.cumsum(0.01 * rng.standard_normal(96)))
    rows = [hours([h], close)[0] for h, close in enumerate(closes) if h != 50]
    days = daily(log_returns(read_bars(write(tmp_path, rows))))
    moves = np.diff(np.log(closes))
    expected = [np.sum(moves[23:47] ** 2), np.nan, np.sum(moves[71:95] ** 2)]
    np.testing.assert_allclose(days.variances, expected, rtol=1e-12)
    np.testing.assert_allclose(days.returns, [moves[23:47].sum(), np.nan, moves[71:95].sum()], rtol=1e-11)
    assert days.bars == 24 and days.stamps[0] == np.datetime64("2024-01-02", "s").astype(int)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ROWS[:2], "got 2; at least 3 bars"),
        ([ROWS[0], ROWS[2], ROWS[1]], "timestamp: got '2024-01-01T01:00:00Z'; stamps must rise"),
        ([ROWS[0], ROWS[1], ROWS[1]], "stamps must rise"),
        ([ROWS[0].replace("Z", ""), *ROWS[1:]], "got '2024-01-01T00:00:00'; .*UTC.*Write 2024-12-31T23:00:00Z"),
        ([ROWS[0].replace("Z", "+01:00"), *ROWS[1:]], "in UTC"),
        ([ROWS[0].replace("01-01", "13-45"), *ROWS[1:]], "ISO 8601"),
        ([*ROWS, "2024-01-01T02:30:00Z,1,1,1,1,1", "2024-01-01T03:10:00Z,1,1,1,1,1"], "whole number of bars"),
        (
            [ROWS[0].replace(",99,", ",0,"), *ROWS[1:]],
            "low: got '0.* at 2024-01-01T00:00:00Z'; prices must be positive",
        ),
        ([ROWS[0].replace(",99,", ",-5,"), *ROWS[1:]], "prices must be positive"),
        ([ROWS[0].replace(",99,", ",,"), *ROWS[1:]], "prices must be positive"),
        ([ROWS[0].replace(",99,", ",inf,"), *ROWS[1:]], "prices must be positive"),
        ([ROWS[0].replace(",99,", ",cheap,"), *ROWS[1:]], "low: got 'cheap at"),
        ([ROWS[0], ROWS[1].replace("103", "101"), ROWS[2]], "got '2024-01-01T01:00:00Z'; low and high must enclose"),
        ([ROWS[0].replace(",99,", ",100.5,"), *ROWS[1:]], "low and high must enclose"),
    ],
)
def test_wrong_prices_are_refused(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        read_bars(write(tmp_path, rows))


def test_refusals_name_the_file(tmp_path):
    with pytest.raises(InputError, match=r"prices.csv: low: .* a column is missing"):
        read_bars(write(tmp_path, ["2024-01-01T00:00:00Z,1,1,1"], "timestamp,open,high,close\n"))
    with pytest.raises(InputError, match=r"absent.csv: the prices cannot be read"):
        read_bars(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_bars(write(tmp_path, [], ""))


def test_bars_that_do_not_make_a_day_are_refused(tmp_path):
    rows = [f"2024-01-01T{h:02d}:00:00Z,1,1,1,1,1" for h in (0, 7, 14, 21)]
    with pytest.raises(InputError, match="bars must divide a day"):
        daily(log_returns(read_bars(write(tmp_path, rows))))
    with pytest.raises(InputError, match="no day of the prices is complete"):
        daily(log_returns(read_bars(write(tmp_path, ROWS))))
