"""Dated venue rules: `load` one by its id, ask it for margins and prices."""

from stresslab.venues.catalogue import available as available
from stresslab.venues.catalogue import load as load
from stresslab.venues.rulebook import Rulebook as Rulebook
