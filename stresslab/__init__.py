"""stresslab: with this leverage, on this venue, what is the probability of ruin, how sure are we, and what would make
it worse?
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "models": "stresslab.models",
    "venues": "stresslab.venues",
    "shocks": "stresslab.shocks",
    "simulate": "stresslab.paths:simulate",
    "first_passage": "stresslab.passage:first_passage",
    "load_study": "stresslab.config:load_study",
    "run": "stresslab.execution:run",
    "InputError": "stresslab.errors:InputError",
    "StresslabError": "stresslab.errors:StresslabError",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    """Public names are imported when first used: importing stresslab starts nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'stresslab' has no attribute {name!r}")
    module, _, member = _HOMES[name].partition(":")
    found = import_module(module)
    globals()[name] = getattr(found, member) if member else found
    return globals()[name]
