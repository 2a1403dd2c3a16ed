"""Rulebooks from the tier files of exchanges and libraries."""

from stresslab.venues.importing.books import Imported as Imported
from stresslab.venues.importing.books import imported as imported
