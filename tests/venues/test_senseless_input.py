"""What no rule takes: every argument of the calls of docs/venues.md and of a rulebook replaced by senseless values.

A call refuses it in words (InputError), or its answer has no NaN. The calls are parsed from the page, so that a new
rule of the page is tried too.
"""

import ast
import warnings

import numpy as np
import pytest
from helpers import worked
from helpers.venues_page import ROWS

from stresslab.errors import InputError
from stresslab.venues.inputs import shapes_in_words

ANSWERS = """
bybit.notional(1, 100); bybit.quantity(3); okx.size(30, 2000); bybit.tier(1000); bybit.max_leverage(1000)
dydx.initial_margin(1000, 10, 1000, 1e6); bybit.check_allowed(1000, 10); bybit.required("long", 100, 1, 10, 95)
bybit.close_fee("long", 100, 1, 10, 95); bybit.equity("long", 100, 1, 10, 95, other_pnl=1)
bybit.is_liquidated("long", 100, 1, 10, 95, other_pnl=1, other_maintenance=2)
bybit.mark_price(100, average_basis=1, last=101, rate=0.001, time_to_funding=100)
hyper.mark_price(100, average_basis=1, last=101, perpetuals=[1, 2, 3, 4, 5], book_average=3)
bybit.average_basis([1, 2, 3], 1); hyper.average_basis([1, 2, 3], 1); dydx.is_stale(3); bybit.is_stale(3)
bybit.funding_payment("long", 1, 100, 0.001); inverse_btc.funding_accrued("long", 1, 100, 0.001, 60)
okx.price_band(index=100, premium=1); bybit.price_band(mark_price=100, index=100, premium=1)
okx.liquidation_size("long", 2000, 1000, 100, 1900, other_pnl=1, other_maintenance=2)
hyper.liquidation_size("long", 100, 1e5, 100, 90); drift.liquidation_size("long", 100, 10, 100, 90)
inverse_btc.liquidation_size("long", 40000, 1e6, 1, 38000); bybit.liquidation_fee(100, 3)
drift.liquidator_fee_rate(100); drift.insurance_fee_rate(1, 2, 3, 0.1); drift.liquidation_share(100, 3, 4)
bybit.liquidator_fee_rate(100); bybit.insurance_fee_rate(1, 2, 3, 0.1); bybit.liquidation_share(100, 3, 4)
dydx.block_bounds(1000, 3); bybit.block_bounds(1000, 3); dydx.fillable_price(0.1, 50000, 0.1, 499, 500)
hyper.goes_to_backstop(1, 2); bybit.goes_to_backstop(1, 2); bybit.settle(1, 2, False); bybit.use_fund(1, 2)
bybit.insurance_fund_change("long", 1, 90, 91); bybit.deleveraging_scores("short", 100, [1, 2], [60, 90], 80)
bybit.deleveraging_order([1, 2, 3], True); bybit.deleveraging_price(bankruptcy=1, mark=2, oracle=3)
inverse_btc.socialised_loss(1, [1, 2], [3, 4]); drift.socialised_loss(1, [1, 2], [3, 4])
rounding.rounded_down(1.2, 0.5)
perp.hedged_liquidation_prices(40000, 100, 41000, 200, 1, other_pnl=0.1, other_maintenance=0.1)
margin.tiered_liquidation_price("long", 100, 1, 10, bybit.requirement.table, close_fee=0.001, other_pnl=1)
margin.requirement(1, 100, bybit.requirement.table, 0.001, 1); venues.variant(bybit, {"fees": {"taker": 0.1}})
margin.is_liquidated("long", 100, 1, 10, 95, bybit.requirement.table)
"""
SENSELESS = ["nan", "inf", "'abc'", "[]", "None", "True", "array([1.0, nan])", "1e308", "[[1, 2], [3]]", "ones((3, 7))"]
NOT_RULES = ("len", "list", "datetime", "venues.load")
ANSWERS_NAN = ("mark.book_price", "averages.weighted_median", "mark.oracle_price")  # documented: nothing is there


@pytest.fixture(scope="module")
def names():
    return worked.names() | {"array": np.array, "ones": np.ones, "inf": np.inf}


def spoilt(call):
    """The calls with one argument replaced, and the name of the rule that gets it."""
    tree = ast.parse(call, mode="eval")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) in NOT_RULES:
            continue
        for place in [*range(len(node.args)), *node.keywords]:
            is_keyword = isinstance(place, ast.keyword)
            kept = place.value if is_keyword else node.args[place]
            for value in SENSELESS:
                bad = ast.parse(value, mode="eval").body
                if is_keyword:
                    place.value = bad
                else:
                    node.args[place] = bad
                yield ast.unparse(ast.fix_missing_locations(tree)), ast.unparse(node.func)
            if is_keyword:
                place.value = kept
            else:
                node.args[place] = kept


def has_nan(answer):
    if isinstance(answer, tuple):
        return any(has_nan(each) for each in answer)
    return answer is not None and bool(np.any(np.isnan(np.asarray(answer, dtype=np.float64))))


def failures(call, names):
    found = []
    for text, rule in spoilt(call):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                answer = eval(text, dict(names))
            if has_nan(answer) and rule not in ANSWERS_NAN:
                found.append((text, "NaN"))
        except InputError:
            pass
        except Exception as error:
            found.append((text, repr(error)))
    return found


def test_every_call_refuses_in_words_or_answers_with_numbers(names):
    calls = [call for call, _ in ROWS] + [call for call in ANSWERS.replace("\n", ";").split(";") if call]
    assert sum(1 for call in calls for _ in spoilt(call.strip())) > 5_000
    assert [each for call in calls for each in failures(call.strip(), names)] == []


def test_a_rule_without_its_checks_would_be_seen(names):
    assert failures("unchecked([1.0, 2.0], 2.0)", names | {"unchecked": lambda a, b: np.asarray(a) * b}) != []


def test_shapes_that_do_not_go_together_are_named():
    product = shapes_in_words(lambda a, b: np.asarray(a) * np.asarray(b))
    with pytest.raises(InputError, match=r"\[\(2,\), \(3,\)\]: arrays must be of one shape"):
        product([1, 2], [1, 2, 3])
