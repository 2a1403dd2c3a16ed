"""Books of accounts on one path in pure Python and natural units: the oracle of the general engine."""
