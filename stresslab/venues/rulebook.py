"""One venue's dated rules for one contract: data that was read from YAML, and the answers that follow from it.

Every method is elementwise over arrays (float64) and raises InputError for what is not a finite number in its range.
"""

from stresslab.venues.answers.liquidation import LiquidationAnswers
from stresslab.venues.answers.loss import LossAnswers
from stresslab.venues.answers.market import MarketAnswers
from stresslab.venues.answers.option import OptionAnswers


class Rulebook(MarketAnswers, LiquidationAnswers, LossAnswers, OptionAnswers):
    """The rules of one contract (`rules`), and its answers.

    A file of `stresslab.venues.answers` each: tiers and margins of a size, prices of positions, options; mark, funding
    and band; ladder, fees and close-out; fund, deleveraging and shared losses.
    """
