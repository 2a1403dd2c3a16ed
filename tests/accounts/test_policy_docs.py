"""The policy that docs/policies.md shows is executed as it stands there."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from accounts.policy_books import MMR, assert_money, book, leg, run, with_policies

PAGE = Path(__file__).resolve().parents[2] / "docs" / "policies.md"


def test_the_policy_of_the_page_takes_profits_out() -> None:
    """At 1.1 equity is 0.3 and 20 requirements are 0.11: the rest goes to the reserve, and is not lost in the gap."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    shown: dict[str, Any] = {"__name__": "shown"}
    exec(block, shown)  # noqa: S102
    form, numbers = with_policies(book(0.2, leg(1.0)), (shown["Skim"](), shown["SkimNumbers"](np.array(20.0))))
    found = run(form, numbers, [1.1, 1.1, (1.1, 1.1, 0.5, 0.5)])
    taken = 0.3 - 20 * MMR * 1.1
    assert_money(found.end.reserve[0, 0], taken)
    assert_money(found.money.pnl[-1, 0, 0], taken - 0.2)
