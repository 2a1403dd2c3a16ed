"""Conditions of the venue: outage, halt, latency, price band, default, stale oracle, waterfall, last and mark."""

from stresslab.accounts.conditions.base import Condition as Condition
from stresslab.accounts.conditions.base import Effect as Effect
from stresslab.accounts.conditions.base import together as together
from stresslab.accounts.conditions.basis import Basis
from stresslab.accounts.conditions.halt import Halt
from stresslab.accounts.conditions.latency import Latency
from stresslab.accounts.conditions.outage import Outage
from stresslab.accounts.conditions.own_book import OwnBook
from stresslab.accounts.conditions.price_band import PriceBand
from stresslab.accounts.conditions.stale_oracle import StaleOracle
from stresslab.accounts.conditions.venue_default import VenueDefault
from stresslab.accounts.conditions.waterfall import Waterfall

CONDITIONS: dict[str, type] = {
    "basis": Basis,
    "halt": Halt,
    "latency": Latency,
    "outage": Outage,
    "own_book": OwnBook,
    "price_band": PriceBand,
    "stale_oracle": StaleOracle,
    "venue_default": VenueDefault,
    "waterfall": Waterfall,
}
