"""What the name of an option says: underlying, expiry, strike, call or put.

    Deribit, Bybit   BTC-27JUN25-105000-C, BTC_USDC-27JUN25-105000-P, XRP_USDC-30AUG24-0d55-C, BTC-26DEC25-110000-C-USDT
    OKX              BTC-USD-250627-105000-C
    Binance          BTC-250627-105000-C

All four settle at 08:00 UTC of the day in the name.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

EXPIRY_HOUR = 8
_NAME = re.compile(
    r"(?P<currency>[A-Z0-9]+)(?:[-_](?P<quote>USDT|USDC|USD|EUR))?-(?P<day>\d{1,2}[A-Z]{3}\d{2}|\d{6})"
    r"-(?P<strike>\d+(?:[.d]\d+)?)-(?P<kind>[CP])(?:-(?P<settle>[A-Z]+))?"
)


class OptionName(NamedTuple):
    """The parts of a name; `expiry` in seconds since 1970."""

    currency: str
    quote: str  # the quote or settlement currency where the name has one, else empty
    expiry: int
    strike: float
    call: bool


def parse_option_name(name: str) -> OptionName | None:
    """The parts of an option's name; None where it is not one of the known forms."""
    found = _NAME.fullmatch(re.sub(r"(?<=-\d)D(?=\d+-)", "d", name.strip().upper()))
    if found is None:
        return None
    day = found["day"]
    try:
        date = datetime.strptime(day, "%y%m%d" if day.isdecimal() else "%d%b%y")
    except ValueError:
        return None
    expiry = date.replace(hour=EXPIRY_HOUR, tzinfo=UTC)
    strike = float(found["strike"].replace("d", "."))
    quote = found["quote"] or found["settle"] or ""
    return OptionName(found["currency"], quote, int(expiry.timestamp()), strike, found["kind"] == "C")
