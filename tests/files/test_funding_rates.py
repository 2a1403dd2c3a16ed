"""Files of recorded funding: any order, payments that are there twice, several exchanges."""

import numpy as np
import pytest
from helpers.funding_records import AS_OF, HOUR, every, write

from stresslab.errors import InputError
from stresslab.files.funding_rates import read_funding

ROWS = every(8, 0, 80)
STAMPS, RATES = np.array(ROWS).T


def test_newest_first_and_any_order(tmp_path):
    path = tmp_path / "rates.csv"
    for rows in (ROWS[::-1], [ROWS[k] for k in np.random.default_rng(1).permutation(len(ROWS))]):
        write(path, rows)
        found = read_funding(path)
        np.testing.assert_array_equal(found.stamps, STAMPS)
        np.testing.assert_array_equal(found.rates, RATES)


def test_a_payment_that_is_there_twice_is_one(tmp_path):
    """Two pages that overlap by three rows, the milliseconds of one cut off."""
    path = tmp_path / "rates.csv"
    write(path, [(stamp + 0.004, rate) for stamp, rate in ROWS[:6]] + ROWS[3:])
    found = read_funding(path)
    np.testing.assert_array_equal(found.stamps, STAMPS)
    np.testing.assert_array_equal(found.rates, RATES)
    assert found.repeated == 3


def test_two_rates_for_one_payment_are_refused(tmp_path):
    path = tmp_path / "rates.csv"
    write(path, [*ROWS, (ROWS[4][0], 5e-4)])
    with pytest.raises(InputError, match=r"timestamp = '2025-01-02T16:00:00Z \(row 12\)': two rates .* one market"):
        read_funding(path)


@pytest.mark.parametrize("head", ["timestamp,funding_rate", "timestamp,funding_rate,exchange"])
def test_a_file_without_rows(tmp_path, head):
    (tmp_path / "rates.csv").write_text(head + "\n")
    with pytest.raises(InputError, match=r"rates.csv: the file has no rows"):
        read_funding(tmp_path / "rates.csv")


def test_exchanges_are_read_one_at_a_time(tmp_path):
    """They share stamps, and each has its own interval."""
    path = tmp_path / "rates.csv"
    write(path, ROWS, "binance")
    write(path, every(1, 0, 80, rate=-2e-5), "dydx")
    found = {name: read_funding(path, name) for name in ("binance", "dydx")}
    np.testing.assert_array_equal(found["binance"].rates, RATES)
    np.testing.assert_array_equal(found["dydx"].stamps, AS_OF + HOUR * np.arange(1, 81))
    assert not found["binance"].repeated
    assert not found["dydx"].repeated
