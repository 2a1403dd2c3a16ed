"""Arrays equal a loop over scalars, for every elementwise rule; and what is not a number is refused by name."""

import itertools

import numpy as np
import pytest

from stresslab.errors import InputError
from stresslab.venues import (
    bands,
    close_out,
    cross_account,
    deleveraging_rank,
    deleveraging_trigger,
    funding,
    funding_onchain,
    funding_rate,
    lending,
    liquidation_fees,
    mark,
    partial,
    volatile_collateral,
)

SIDES = ("long", "short")
# a function and, for each of its arguments, two values: all combinations are tried
RULES = [
    (mark.fair_price, ([100.0, 200.0], [-0.01, 0.01], [0.0, 4.0], [8.0, 4.0])),
    (mark.median_of_three, ([99.0, 101.0], [100.0, 103.0], [98.0, 102.0])),
    (mark.index_plus_average, ([100.0, 200.0], [-5.0, 1.0], [0.01, 0.02])),
    (mark.is_stale, ([1.0, 3.0], [2.0, 4.0])),
    (funding_rate.premium, ([99.0, 101.0], [100.0, 102.0], [98.0, 100.5])),
    (funding_rate.funding_rate, ([-0.01, 0.0], [0.0, 1e-4], [0.0, 5e-4], [1.0, 8.0], [0.001, 0.04])),
    (funding_rate.dead_band_rate, ([-0.01, 0.0001], [0.0, 2.5e-4], [0.001, 0.04])),
    (funding_rate.accrued_rate, ([-0.01, 0.0001], [1.0, 2.0], [8.0, 4.0])),
    (funding.funding_payment, (SIDES, [1.0, 2.0], [100.0, 50.0], [-0.01, 0.01])),
    (funding_onchain.drift_hourly_funding, ([99.0, 120.0], [100.0, 101.0], [1.0, 3.0], [0.0, 2e-4])),
    (partial.size_to_cover, ([10.0, 20.0], [100.0, 50.0], [0.05, 0.1], [0.0, 0.06], [0.0, 0.01], [1.0, 0.9])),
    (partial.largest_share, ([49.0, 100.0], [0.1, 0.5], [0.0, 30.0], [150.0, 10.0], [0.0, 60.0])),
    (partial.round_to_close, ([10.0, 5.0], [0.1, 1.0], [0.5, np.inf])),
    (partial.within_insurance_loss, ([10.0, 5.0], [0.0, 8.0], [4.0, 9.0], [0.0, 5.0])),
    (partial.goes_to_backstop, ([10.0, -5.0], [20.0, 1.0], [0.5, 2 / 3])),
    (liquidation_fees.clearance_fee, ([1e3, 1e4], [0.0, 0.01], [-1.0, 50.0])),
    (liquidation_fees.ramped_fee, ([0.01, 0.02], [0.05, 0.03], [10.0, 1e4], [1500.0, 0.0])),
    (
        liquidation_fees.insurance_fee_rate,
        ([20.0, 1.0], [0.0, 10.0], [100.0, 90.0], [0.05, 0.1], [0.01, 0.1], [0.05, 0.01]),
    ),
    (liquidation_fees.fee_to_fund, (SIDES, [1.0, 2.0], [100.0, 110.0], [95.0, 120.0], [0.0, 0.015])),
    (cross_account.fillable_price, ([1.0, -2.0], [100.0, 50.0], [0.1, 0.05], [5.0, -1.0], [10.0, 20.0], [1.0, 2.0])),
    (cross_account.bankruptcy_price, ([1.0, -2.0], [100.0, 50.0], [0.1, 0.05], [5.0, -1.0], [10.0, 20.0])),
    (close_out.insurance_fund_change, (SIDES, [1.0, 2.0], [100.0, 90.0], [95.0, 120.0])),
    (close_out.bad_debt, ([1.0, 2.0], [-100.0, 90.0], [1.0, -2.0], [95.0, 50.0], [0.0, 0.01])),
    (deleveraging_rank.leverage_pnl, ([-1.0, 20.0], [0.5, 30.0], [1.0, 2.0])),
    (deleveraging_rank.leveraged_return, ([-0.1, 0.2], [2.0, 10.0])),
    (deleveraging_rank.mark_leverage, ([90.0, 110.0], [100.0, 95.0], [1e3, 2e3], [100.0, 300.0], SIDES)),
    (deleveraging_trigger.fund_empty, ([0.0, 10.0], [5.0, 20.0])),
    (deleveraging_trigger.deleveraging_on, ([0.27, 0.4], [True, False], [0.3, 0.35], [0.2, 0.28], [0.0, 1.0])),
    (deleveraging_trigger.excess_beyond, ([0.27, 0.4], [0.3, 0.2], [100.0, 200.0])),
    (volatile_collateral.token_pnl, (SIDES, [1.0, 2.0], [100.0, 90.0], [95.0, 120.0])),
    (volatile_collateral.returned_collateral, ([1.0, 2.0], [100.0, 90.0], [-95.0, 120.0], [0.0, 10.0])),
    (
        volatile_collateral.remaining_collateral,
        ([1.0, 2.0], [9.0, 8.0], [-5.0, 1.0], [99.0, 50.0], [-9.0, 1.0], [0.0, 1.0]),
    ),
    (lending.close_factor, ([0.9, 0.97], [0.95, 0.98])),
]
NAMES = [rule.__name__ for rule, _ in RULES]


@pytest.mark.parametrize("rule, choices", RULES, ids=NAMES)
def test_arrays_equal_a_loop_over_scalars(rule, choices):
    rows = list(itertools.product(*choices))
    together = rule(*(np.array(column).reshape(2, -1) for column in zip(*rows, strict=True)))
    alone = np.array([rule(*row) for row in rows])
    assert together.shape == (2, len(rows) // 2)
    np.testing.assert_allclose(together.ravel(), alone, rtol=1e-13)
    assert len(np.unique(alone)) > 1  # the choices tell apart


@pytest.mark.parametrize("rule, choices", RULES, ids=NAMES)
def test_what_is_not_a_number_is_refused(rule, choices):
    """In the first argument that is one, which no rule of the list may take as absent."""
    row = [choice[0] for choice in choices]
    place = next(i for i, value in enumerate(row) if not isinstance(value, str))
    for senseless in (np.nan, "ten"):
        with pytest.raises(InputError, match="must be"):
            rule(*row[:place], senseless, *row[place + 1 :])


def test_bands_are_elementwise_too():
    index, premium = np.array([100.0, 200.0]), np.array([1.0, -3.0])
    band = bands.index_band(index, premium, 0.02, 0.05)
    for i in range(2):
        assert bands.index_band(index[i], premium[i], 0.02, 0.05) == (band.low[i], band.high[i])
