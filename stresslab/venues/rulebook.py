"""One venue's dated rules for one contract: data that was read from YAML, and the answers that follow from it.

Every method is elementwise over arrays (float64) and raises InputError for what is not a finite number in its range.
"""

from stresslab.venues.margin_answers import MarginAnswers


class Rulebook(MarginAnswers):
    """The rules of one contract (`rules`), and its answers: margins and prices (`margin_answers`)."""
