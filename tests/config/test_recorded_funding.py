"""Records of funding that lack payments of the study's time are refused with the dates; what they have is paid."""

import numpy as np
import pytest
from helpers.funding_records import AS_OF, HOUR, every, write
from helpers.studies import small_dict

from stresslab.config import study_from_dict
from stresslab.config.payment_plan import known_rates, payment_seconds
from stresslab.errors import InputError

WHOLE = every(8, -80, 160)  # three days are studied: hours 0 to 72


def study(folder, rows, horizons=("1D", "3D"), **funding):
    write(folder / "rates.csv", rows)
    given = small_dict(folder, {"funding": None, "market": {"horizons": list(horizons)}})
    return study_from_dict({**given, "funding": {"kind": "replay", "file": "rates.csv", **funding}}, folder)


def without(rows, first, last):
    """But for the payments from one hour to another."""
    return [row for row in rows if not first <= (row[0] - AS_OF) / HOUR <= last]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (without(WHOLE, -80, 8), "begins at 2025-01-01T16:00:00Z, more than 8h after the study's time 0"),
        (without(WHOLE, -80, 100), "begins at 2025-01-05T08:00:00Z, more than 8h after"),
        (without(WHOLE, 72, 160), "ends at 2025-01-03T16:00:00Z, 8h or more before the last horizon"),
        (without(WHOLE, -7, 160), "ends at 2024-12-31T16:00:00Z, 8h or more before the last horizon"),
        (
            without(WHOLE, 24, 24),
            "no payment between 2025-01-01T16:00:00Z and 2025-01-02T08:00:00Z, where one every 8h",
        ),
        (without(without(WHOLE, 24, 24), 40, 48), "and 2025-01-02T08:00:00Z (the first of 2 holes), where"),
        (without(WHOLE, -8, 8), "no payment between 2024-12-31T08:00:00Z and 2025-01-01T16:00:00Z"),  # over as_of
        (without(WHOLE, 72, 80), "no payment between 2025-01-03T16:00:00Z and 2025-01-04T16:00:00Z"),  # over the end
        ([(AS_OF + 8 * HOUR, 1e-4)], "ends at 2025-01-01T08:00:00Z, 8h or more before"),
    ],
)
def test_what_a_record_lacks_is_said_with_the_dates(tmp_path, rows, message):
    with pytest.raises(InputError) as refusal:
        study(tmp_path, rows)
    assert message in str(refusal.value)
    assert "study: funding.file = 'rates.csv': the record" in str(refusal.value)
    assert "the study from 2025-01-01T00:00:00Z to 2025-01-04T00:00:00Z. Add the missing" in str(refusal.value)


@pytest.mark.parametrize("lost", [(-8, -8), (80, 80), (-80, 0), (76, 160)])
def test_what_lies_outside_the_study_may_be_missing(tmp_path, lost):
    """A hole before as_of or after the last horizon; a record of just the payments that are made."""
    found = study(tmp_path, without(WHOLE, *lost))
    np.testing.assert_array_equal(payment_seconds(found), 8 * HOUR * np.arange(1, 10))


def test_a_hole_in_which_no_payment_of_the_study_is_due(tmp_path):
    """Nothing from 64 to 88 hours: the study ends at 70 hours, before the next payment is due."""
    assert len(payment_seconds(study(tmp_path, without(WHOLE, 72, 80), horizons=("1D", "70h")))) == 8


def test_the_next_move_works(tmp_path):
    """A row with rate 0 says that nothing was paid; another start lies where the record has no hole."""
    holed = without(WHOLE, 24, 24)
    found = study(tmp_path, [*holed, (AS_OF + 24 * HOUR, 0.0)])
    np.testing.assert_allclose(known_rates(found, payment_seconds(found))[[1, 2]], [holed[11][1], 0.0])
    moved = study(tmp_path, holed, start="2025-01-02T08:00:00Z")
    assert len(payment_seconds(moved)) == 9
    with pytest.raises(InputError, match="funding.start = '2025-01-01T00:00:00Z': the record has no payment between"):
        study(tmp_path, holed, start="2025-01-01T00:00:00Z")


def test_the_interval_of_the_study_does_not_choose_payments(tmp_path):
    """Old studies name 8h; the payments are those of the record all the same."""
    hourly = every(1, -10, 100)
    times = [payment_seconds(study(tmp_path, hourly, interval=interval)) for interval in ("8h", "1h", "7h")]
    for seconds in times:
        np.testing.assert_array_equal(seconds, HOUR * np.arange(1, 73))


def test_a_study_shorter_than_the_interval_may_pay_nothing(tmp_path):
    found = study(tmp_path, [(stamp + 4 * HOUR, rate) for stamp, rate in WHOLE], horizons=("1h", "3h"))
    assert payment_seconds(found).size == 0


def test_a_swept_start_is_checked_for_every_cell(tmp_path):
    write(tmp_path / "rates.csv", without(WHOLE, 24, 24))
    given = small_dict(
        tmp_path, {"funding": None, "sweep": {"funding.start": ["2025-01-02T08:00:00Z", "2025-01-01T08:00:00Z"]}}
    )
    given["book"] |= {"side": "long", "leverage": 3.0}
    funding = {"kind": "replay", "file": "rates.csv"}
    with pytest.raises(InputError, match="no payment between 2025-01-01T16:00:00Z and 2025-01-02T08:00:00Z"):
        study_from_dict({**given, "funding": funding}, tmp_path)
