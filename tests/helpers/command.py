"""The command line in the process of the test: exit code, output, messages."""

import contextlib
import io
import sys
from typing import NamedTuple

import pytest

from stresslab.cli import main


class Done(NamedTuple):
    code: int
    out: str
    error: str


def call(*words: str) -> Done:
    """The command in this process."""
    out, error, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["stresslab", *words])
        patch.setattr("stresslab.terminal._OUT._file", out)  # `file` would be put back as the output of the moment
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            try:
                main()
            except SystemExit as end:
                code = int(end.code or 0)
    return Done(code, out.getvalue(), error.getvalue())
