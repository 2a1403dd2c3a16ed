"""docs/venues.md as its tests read it: the rows (call, what it gives) and the names that the calls use."""

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "venues.md").read_text()
ROWS = re.findall(r"^\| [^|]+ \| [^|]+ \| `([^`]+)` \| ([^|]+) \|$", PAGE, re.MULTILINE)


def imported():
    """What the page's block of imports defines."""
    block = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert block
    found: dict[str, object] = {}
    exec(block[1], found)
    return found
