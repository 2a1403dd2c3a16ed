"""What no rule takes: every argument of every call of docs/venues.md replaced by senseless values.

A call refuses it in words (InputError), or its answer has no NaN. The calls are parsed from the page, so that a new
rule of the page is tried too.
"""

import ast
import warnings

import numpy as np
import pytest
from helpers.venues_page import ROWS, imported

from stresslab.errors import InputError
from stresslab.venues.inputs import shapes_in_words

SENSELESS = ["nan", "inf", "'abc'", "[]", "None", "True", "array([1.0, nan])", "1e308", "[[1, 2], [3]]", "ones((3, 7))"]
NOT_RULES = ("len", "list", "datetime", "venues.load")
ANSWERS_NAN = ("mark.book_price", "averages.weighted_median", "mark.oracle_price")  # documented: nothing is there


@pytest.fixture(scope="module")
def names():
    return imported() | {"array": np.array, "ones": np.ones, "inf": np.inf}


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
    calls = [call for call, _ in ROWS]
    assert sum(1 for call in calls for _ in spoilt(call)) > 3_000
    assert [each for call in calls for each in failures(call, names)] == []


def test_a_rule_without_its_checks_would_be_seen(names):
    assert failures("unchecked([1.0, 2.0], 2.0)", names | {"unchecked": lambda a, b: np.asarray(a) * b}) != []


def test_shapes_that_do_not_go_together_are_named():
    product = shapes_in_words(lambda a, b: np.asarray(a) * np.asarray(b))
    with pytest.raises(InputError, match=r"got \[\(2,\), \(3,\)\]; arrays must be of one shape"):
        product([1, 2], [1, 2, 3])
