"""The exceptions that stresslab raises, and the form of its messages.

Every refusal of an input reads `FILE: KEY = VALUE: rule. Next move.`; parts that are not known are left out.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

NOT_GIVEN: Any = object()
LONGEST_VALUE = 80  # characters of a value that a message repeats
LONGEST_PART = 1200  # characters of each other part: a whole message stays under 3,000


def abridged(text: str, longest: int) -> str:
    """The text, with its middle left out where it is longer than `longest`."""
    if len(text) <= longest:
        return text
    head = (longest - 3) * 2 // 3
    return f"{text[:head]}...{text[head + 3 - longest :]}"


def shown(value: Any) -> str:
    """A value as shown in a message: its `repr`, abridged, or the type and size of a large one."""
    if isinstance(value, dict | list | tuple | set) and len(value) > LONGEST_VALUE:
        return f"{type(value).__name__} of {len(value)} entries"
    try:
        return abridged(repr(value), LONGEST_VALUE)
    except (ValueError, RecursionError):  # a whole number of more than 4,300 digits; brackets nested without end
        return f"{type(value).__name__} too long to be shown"


class StresslabError(ValueError):
    """Root of everything that stresslab raises on purpose. Exit code 1 at the command line."""


class InputError(StresslabError):
    """The input is wrong: nothing was run and nothing was written. Exit code 2 at the command line.

    `rule` says what is wanted; `key`, `got`, `hint` (the next move) and `file` are added where they are known.
    """

    def __init__(self, rule: str, *, key: str = "", got: Any = NOT_GIVEN, hint: str = "", file: str = "") -> None:
        self.rule, self.key, self.got, self.hint, self.file = rule, key, got, hint, file
        value = "" if got is NOT_GIVEN else shown(got)
        place = f"{key} = {value}" if key and value else key or (value and f"got {value}")
        parts = [abridged(part, LONGEST_PART // 2) for part in (file, place) if part]
        message = ": ".join([*parts, abridged(rule, LONGEST_PART)])
        super().__init__(f"{message}. {abridged(hint, LONGEST_PART)}" if hint else message)

    def at(self, *, file: str = "", key: str = "") -> "InputError":
        """The same refusal with its place filled in; `key` is put before the key that is there."""
        joined = ".".join(part for part in (key, self.key) if part).replace(".[", "[")
        return type(self)(self.rule, key=joined, got=self.got, hint=self.hint, file=file or self.file)

    def within(self, file: str) -> "InputError":
        """The text of the refusal inside another one about `file`, without repeating the file name."""
        return type(self)(self.rule, key=self.key, got=self.got, hint=self.hint, file="") if self.file == file else self

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


MORE_SHOWN = 5  # further problems of the same input named in one refusal


def several(problems: Sequence[InputError], total: int = 0) -> InputError:
    """Combine several refusals into one: the first in full, the others in its hint.

    `total` is how many there are where only the first of them are given.
    """
    first, *others = problems
    if not others:
        return first
    more = "; also ".join(str(problem.within(first.file)) for problem in others[:MORE_SHOWN])
    left = max(total, len(problems)) - 1 - MORE_SHOWN
    rest = f"; and {left} more" if left > 0 else ""
    stop = "" if first.hint.endswith(("?", ".")) else "."
    hint = f"{first.hint}{stop} Also {more}{rest}" if first.hint else f"Also {more}{rest}"
    return InputError(first.rule, key=first.key, got=first.got, hint=hint, file=first.file)


class Faults:
    """Collects refusals, so that one message names every fault."""

    def __init__(self) -> None:
        self._found: list[InputError] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, problem: InputError) -> None:
        """One more."""
        self._found.append(problem)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Catch and collect a refusal raised in the block."""
        try:
            yield
        except InputError as problem:
            self.add(problem)

    def raise_any(self) -> None:
        """Raise the collected refusals as one InputError, if there are any."""
        if self._found:
            raise several(self._found)
