"""Rulebooks from the tier files of exchanges and libraries."""

from stresslab.venues.importing.naming import VENUES as VENUES
from stresslab.venues.importing.reading import Imported as Imported
from stresslab.venues.importing.reading import imported as imported
