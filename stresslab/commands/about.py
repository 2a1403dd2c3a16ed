"""What there is to choose from, and what this machine has."""

from pathlib import Path
from typing import Annotated

import typer

from stresslab.commands.app import app
from stresslab.errors import InputError


@app.command()
def models() -> None:
    """List the volatility models and their parameters."""
    from stresslab import fit_tables

    fit_tables.print_models()


@app.command()
def schema() -> None:
    """Print the JSON schema of a study file."""
    import json

    from stresslab.config import study_schema

    typer.echo(json.dumps(study_schema(), indent=2))


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")]) -> None:
    """Copy the studies, models and rulebooks that come with stresslab into a folder."""
    from stresslab import terminal
    from stresslab.files.targets import is_empty_folder, require_writable
    from stresslab.files.writing import write_folder
    from stresslab.shipped import config_root

    require_writable(folder, "DIR", "folder")
    if folder.exists() and not is_empty_folder(folder):
        raise InputError("must be a new or empty folder", key="DIR", got=str(folder), hint="Name another")
    root = config_root()
    write_folder(folder, {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()})
    terminal.say(f"wrote {folder}; now try: stresslab run {folder}/studies/quickstart.yaml --report report.html")


@app.command()
def doctor() -> None:
    """Say what stresslab finds on this machine."""
    from stresslab import terminal

    terminal.print_doctor()
