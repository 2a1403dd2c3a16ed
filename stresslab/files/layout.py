"""What a user says about a table where the file does not say it: one field, and one option, for each ambiguity."""

from dataclasses import asdict, dataclass
from typing import Any

from stresslab.errors import require

DECIMALS = ("point", "comma")


@dataclass(frozen=True)
class Layout:
    """How a table is to be read; empty fields are found out from the file, or refused where they cannot be."""

    utc: bool = False  # --utc: stamps without a zone are UTC
    columns: tuple[str, ...] = ()  # --columns: names of the columns in the order of the file
    dates: str = ""  # --dates: format of dates, such as %d/%m/%Y
    decimal: str = ""  # --decimal: which character precedes the fraction, point or comma
    symbol: str = ""  # --symbol: which instrument of a table that holds several
    prefix: str = "--"  # of the options in messages: a study file writes `funding.` and a colon

    def __post_init__(self) -> None:
        require(self.decimal in ("", *DECIMALS), "must be point or comma", key="--decimal", got=self.decimal)
        require("%" in self.dates or not self.dates, "is a format such as %d/%m/%Y", key="--dates", got=self.dates)

    @property
    def said(self) -> dict[str, Any]:
        """The fields that are given, for a file that must be read the same way again."""
        given = {name: value for name, value in asdict(self).items() if value and name != "prefix"}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}

    def option(self, name: str, value: str = "") -> str:
        """How the user gives a field: `--symbol BTCUSDT`, or `funding.symbol: BTCUSDT` in a study."""
        if self.prefix == "--":
            return f"--{name} {value}".rstrip()
        return f"{self.prefix}{name}: {value or 'true'}"


AS_FOUND = Layout()
