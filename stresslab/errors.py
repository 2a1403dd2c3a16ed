"""What stresslab raises, and how a refusal is worded.

Every refusal of an input says where (file, key), what was got, the rule, and the next move.
"""

from typing import Any

NOT_GIVEN: Any = object()


class StresslabError(ValueError):
    """Root of everything that stresslab raises on purpose. Exit code 1 at the command line."""


class InputError(StresslabError):
    """The input is wrong: nothing was run and nothing was written. Exit code 2 at the command line.

    `rule` says what is wanted; `key`, `got`, `hint` (the next move) and `file` are added where they are known.
    """

    def __init__(self, rule: str, *, key: str = "", got: Any = NOT_GIVEN, hint: str = "", file: str = "") -> None:
        self.rule, self.key, self.got, self.hint, self.file = rule, key, got, hint, file
        where = ": ".join(part for part in (file, key) if part)
        what = rule if got is NOT_GIVEN else f"got {got!r}; {rule}"
        super().__init__(": ".join(part for part in (where, what) if part) + (f". {hint}" if hint else ""))

    def at(self, *, file: str = "", key: str = "") -> "InputError":
        """The same refusal with its place filled in; `key` is put before the key that is there."""
        joined = ".".join(part for part in (key, self.key) if part).replace(".[", "[")
        return type(self)(self.rule, key=joined, got=self.got, hint=self.hint, file=file or self.file)

    def __reduce__(self) -> Any:
        given = {} if self.got is NOT_GIVEN else {"got": self.got}
        return _remake, (type(self), self.rule, {"key": self.key, "hint": self.hint, "file": self.file, **given})


def _remake(kind: type["InputError"], rule: str, place: dict[str, Any]) -> "InputError":
    return kind(rule, **place)  # a keyword constructor does not pickle by itself


class NotAllowed(InputError):
    """The venue's rules do not allow this book: exit 2 when it stands alone, a `not_allowed` cell in a sweep."""


class RunError(StresslabError):
    """The run itself failed (a worker, the store, the numbers). Exit code 1 at the command line."""


def require(condition: bool, rule: str, **place: Any) -> None:
    """Raise `InputError(rule, **place)` unless `condition` holds."""
    if not condition:
        raise InputError(rule, **place)
