"""The work of loading and planning a study grows in proportion to its file.

Counted are the bytecodes that run in stresslab, for n, 2n and 4n entries: from 2n to 4n there may be about twice as
many more as from n to 2n. With the square it would be four times as many.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import stresslab
from stresslab.config import expand, study_from_dict
from stresslab.config.fields import _distinct
from stresslab.config.overrides import apply_overrides
from stresslab.errors import InputError
from stresslab.files.validation import MOST_COMPARED, nearest

ROOT = str(Path(stresslab.__file__).parent)
N = 40


def study(**changes: Any) -> dict[str, Any]:
    return {
        "study": "s",
        "as_of": "2025-01-01T00:00:00Z",
        "seed": 7,
        "market": {"asset": "BTC", "spot": 93576.0, "model": "m0", "step": "1h", "horizons": ["1D", "7D"]},
        "models": {"m0": {"kind": "gbm", "sigma": 0.5}},
        "book": {"rulebook": "binance_usdm/BTCUSDT", "side": "long", "collateral": 10000, "leverage": 10},
        "sampling": {"paths": 256, "block": 256},
        **changes,
    }


def limits(n: int) -> dict[str, Any]:
    one = {"event": "liquidation", "horizon": "1D", "where": {"leverage": 5}, "max": 0.5}
    return study(sweep={"book.leverage": [5, 10]}, limits=[{"name": f"l{k}", **one} for k in range(n)])


def leverages(n: int) -> dict[str, Any]:
    return study(sweep={"book.leverage": [1 + k / n for k in range(n)]})


def models(n: int) -> dict[str, Any]:
    names = [f"m{k}" for k in range(n)]
    return study(models={name: {"kind": "gbm", "sigma": 0.5} for name in names}, sweep={"market.model": names})


def policies(n: int) -> dict[str, Any]:
    sets = {f"p{k}": [{"kind": "stop_loss", "distance": 0.05}] for k in range(n)}
    return study(policies=sets, sweep={"book.policies": list(sets)})


def policies_of_a_list(n: int) -> dict[str, Any]:
    return study(policies={"p": [{"kind": "stop_loss", "distance": 0.05}] * n}, sweep={"book.leverage": [5, 10]})


def shocks(n: int) -> dict[str, Any]:
    sets = {f"s{k}": [{"kind": "gap", "fraction": -0.1}] for k in range(n)}
    return study(shocks=sets, sweep={"market.shock": list(sets)})


def horizons(n: int) -> dict[str, Any]:
    found = study()
    found["market"]["horizons"] = [f"{k + 1}h" for k in range(n)]
    return found


def bytecodes(work: Callable[[], Any]) -> int:
    """How many bytecodes of stresslab run."""
    count = 0

    def inside(frame: Any, event: str, argument: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(ROOT):
            return None
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return inside

    before = sys.gettrace()
    sys.settrace(inside)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def growth(work: Callable[[int], Any]) -> float:
    """Bytecodes more from 2n to 4n, over those more from n to 2n."""
    work(N)  # what is worked out once is kept
    small, middle, large = (bytecodes(lambda n=n: work(n)) for n in (N, 2 * N, 4 * N))
    return (large - middle) / (middle - small)


@pytest.mark.parametrize("make", [limits, leverages, models, policies, policies_of_a_list, shocks, horizons])
def test_loading_grows_with_the_file(make: Callable[[int], dict[str, Any]]) -> None:
    assert growth(lambda n: expand(study_from_dict(make(n)))) < 2.3


def test_overrides_grow_with_their_number() -> None:
    """And with no more than that: the study is as long as they are many."""

    def work(n: int) -> Any:
        return apply_overrides(limits(n), [f"limits.{k}.max=0.3" for k in range(n)])

    assert [one["max"] for one in work(N)["limits"]] == [0.3] * N
    assert growth(work) < 2.3


def test_the_measure_sees_a_square() -> None:
    assert growth(lambda n: [_distinct(tuple(range(n))) for _ in range(n)]) > 3.5


class Counted:
    """A value that counts how often it is compared."""

    compared = 0

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return hash(self.number)

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return isinstance(other, Counted) and self.number == other.number


def test_distinct_values_are_not_compared_in_pairs() -> None:
    Counted.compared = 0
    assert len(_distinct(tuple(map(Counted, range(300))))) == 300
    assert Counted.compared == 0
    with pytest.raises(InputError, match="given twice"):
        _distinct((Counted(1), Counted(2), Counted(1)))


def test_an_unknown_name_among_very_many() -> None:
    """Compared with a bounded number of names, and the nearest is still found."""
    known = [f"limits.{k}.max" for k in range(3 * MOST_COMPARED)]
    assert "'limits.7.max'" in nearest("limits.7.mx", known)
