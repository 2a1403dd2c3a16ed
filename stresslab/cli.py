"""The command line. Exit codes: 0 fine, 1 the run failed, 2 the input is wrong, 3 finished and a limit is breached."""

import os
import sys
from typing import NoReturn

# the order of --help
from stresslab.commands import studies as studies  # isort: skip
from stresslab.commands import results as results  # isort: skip
from stresslab.commands import fits as fits  # isort: skip
from stresslab.commands import judging as judging  # isort: skip
from stresslab.commands import venues as venues  # isort: skip
from stresslab.commands import about as about  # isort: skip
from stresslab.commands.app import FAILED, WRONG_INPUT, app, fail
from stresslab.errors import InputError, StresslabError
from stresslab.files.targets import FULL, could_not_write


def main() -> NoReturn:
    """Entry point: refusals become one message and an exit code, never a traceback."""
    try:
        app()
    except InputError as error:
        fail(str(error), WRONG_INPUT)
    except StresslabError as error:
        fail(str(error), FAILED)
    except OSError as error:
        if error.errno not in FULL:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # buffered output would fail again at exit
        fail(str(could_not_write("standard output", error)), FAILED)
    sys.exit(0)
