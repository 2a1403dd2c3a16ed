"""Which column of a table holds what, by the names that venues and libraries use.

Names are compared without case, spaces and signs: "Open time", open_time and openTime are one name. The names of a role
stand in the order in which they are preferred.
"""

import re
from collections.abc import Mapping, Sequence

from stresslab.errors import InputError

Roles = Mapping[str, tuple[str, ...]]

OPENS_OF_BARS: tuple[str, ...] = (
    "timeperiodstart",
    "periodstart",
    "opentime",
    "timeopen",
    "starttime",
    "startat",
    "start",
)
OPENS_OF_BARS += ("candlebegintime", "begin")
STAMPS: tuple[str, ...] = ("timestamp", "unix", "unixtimestamp", "timestampms", "time", "datetime", "date", "ts", "t")
STAMPS += ("gmttime", "ticks", "snappedat", "timeutc", "dateutc", "datetimeutc", "timestamputc", "utc", "mts", "epoch")
CLOSES_OF_BARS = (
    "closetime",
    "timeclose",
    "endtime",
    "end",
    "candleendtime",
    "periodend",
    "timeperiodend",
    "closingtime",
)

PRICES: Roles = {
    "open": ("open", "openprice", "priceopen", "openpx", "o", "first"),
    "high": ("high", "highprice", "pricehigh", "highpx", "h", "max", "highest"),
    "low": ("low", "lowprice", "pricelow", "lowpx", "l", "min", "lowest"),
    "close": ("close", "closeprice", "priceclose", "closelast", "closingprice", "closepx", "c", "price", "last")
    + ("lastprice", "markprice", "mark", "indexprice", "mid", "midprice", "value", "adjclose", "index"),
    "volume": ("volume", "vol", "basevolume", "volumebase", "amount", "v", "tradedvolume", "size"),
    "confirmed": ("confirm", "confirmed", "isclosed", "closed", "complete"),
}
INSTRUMENTS = ("symbol", "ticker", "instrument", "instrumentname", "instid", "pair", "market", "coin", "s", "sym")
EXCHANGES = ("exchange", "venue", "exchangename")
FUNDING: Roles = {
    # the rate that was paid stands before the one that was predicted or is quoted in coin
    "rate": ("relativefundingrate", "realizedrate", "lastfundingrate", "fundingrate", "rate", "funding", "interest1h"),
    "percent": ("fundingratepercent", "ratepercent", "fundingpercent", "fundingratepct", "ratepct", "fundingpct"),
}
FUNDING_STAMPS: tuple[str, ...] = ("fundingtime", "calctime", "fundingratetimestamp", "effectiveat", "fundingtimestamp")
FUNDING_STAMPS += ("settletime", "timepoint", *STAMPS)
CHAIN: Roles = {
    "timestamp": ("timestamp", "creationtimestamp", "ts", "quotetime", "snapshottime", "time", "datetime", "date"),
    "expiry": ("expiry", "expiration", "expirationtimestamp", "expirydate", "expirationdate", "exptime", "maturity"),
    "option_type": ("optiontype", "type", "opttype", "callput", "cp", "putcall", "right", "side", "kind"),
    "strike": ("strike", "strikeprice", "stk", "exerciseprice", "k"),
    "bid_price": ("bidprice", "bid", "bestbidprice", "bidpx", "bid1price", "bestbid", "bidpricebtc"),
    "ask_price": ("askprice", "ask", "bestaskprice", "askpx", "ask1price", "bestask", "askpricebtc"),
    "mark_price": ("markprice", "mark", "markpx", "mid", "midprice", "price", "theoreticalprice"),
    "underlying_price": ("underlyingprice", "forward", "forwardprice", "fwdpx", "underlyingpx", "futureprice"),
    "currency": ("currency", "underlying", "basecurrency", "base", "asset"),
    "unit": ("unit", "priceunit"),
    "instrument": INSTRUMENTS,
}


def plain(name: object) -> str:
    """A column's name as it is compared; "Rate (%)" is another column than "Rate"."""
    bare = re.sub(r"^\d+\. ", "", str(name).lower())  # Alpha Vantage numbers its names: "1. open"
    return re.sub(r"[^a-z0-9]", "", bare.replace("%", "percent"))


def find(names: Sequence[object], wanted: Sequence[str], file: str) -> object | None:
    """The column that bears the first of the `wanted` names that is there; InputError where two columns bear it."""
    for name in wanted:
        found = [column for column in names if plain(column) == name]
        if len(name) == 1:  # t is the open and T the close of a bar where names are single letters
            found = [column for column in found if column == name] or found
        if len(found) > 1 or (found and list(names).count(found[0]) > 1):
            hint = "Give --columns with the names of all columns in their order"
            raise InputError("two columns have one name", file=file, key=str(found[0]), got=list(names), hint=hint)
        if found:
            return found[0]
    return None


def find_volume(names: Sequence[object], file: str) -> object | None:
    """The column of traded volume: by its name, or the first whose name begins with volume (of which currency)."""
    found = find(names, PRICES["volume"], file)
    if found is not None:
        return found
    return next((name for name in names if str(name).strip().lower().startswith(("volume ", "volume_", "vol."))), None)
