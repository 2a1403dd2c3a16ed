"""Dated venue rules: `load` one by its id, ask it for margins and prices, make a `variant` with own numbers."""

from stresslab.venues.account import Position as Position
from stresslab.venues.account import others as others
from stresslab.venues.catalogue import available as available
from stresslab.venues.catalogue import history as history
from stresslab.venues.catalogue import load as load
from stresslab.venues.catalogue import names_edition as names_edition
from stresslab.venues.catalogue import split_name as split_name
from stresslab.venues.catalogue import variant as variant
from stresslab.venues.rulebook import Rulebook as Rulebook
