"""The files that a study names: beside the study, or among the configurations that are shipped."""

from pathlib import Path

from stresslab.errors import InputError
from stresslab.shipped import config_root


def find(file: str, base: Path, study: str, key: str, what: str) -> Path:
    """The path of a file that is named at `key`; InputError that says where it was looked for."""
    places = [base / file, config_root() / file]
    for path in places:
        try:
            if path.is_file():
                return path
        except OSError:  # a name that the file system does not take
            continue
    looked = " and ".join(dict.fromkeys(str(path) for path in places))
    raise InputError(f"there is no such {what} file", file=study, key=key, got=file, hint=f"Looked for {looked}")
