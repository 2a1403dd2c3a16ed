"""Conditions of the venue: outage, halt, price band, default, stale oracle, and its last and mark prices."""

from stresslab.accounts.conditions.base import Condition as Condition
from stresslab.accounts.conditions.base import Effect as Effect
from stresslab.accounts.conditions.base import together as together
from stresslab.accounts.conditions.basis import Basis
from stresslab.accounts.conditions.halt import Halt
from stresslab.accounts.conditions.outage import Outage
from stresslab.accounts.conditions.own_book import OwnBook
from stresslab.accounts.conditions.price_band import PriceBand
from stresslab.accounts.conditions.stale_oracle import StaleOracle
from stresslab.accounts.conditions.venue_default import VenueDefault

CONDITIONS: dict[str, type] = {
    "basis": Basis,
    "halt": Halt,
    "outage": Outage,
    "own_book": OwnBook,
    "price_band": PriceBand,
    "stale_oracle": StaleOracle,
    "venue_default": VenueDefault,
}
