"""One venue's dated rules for one contract: data that was read from YAML, and the answers that follow from it.

Every method is elementwise over arrays (float64) and raises InputError for what is not a finite number in its range.
"""

from stresslab.venues.liquidation_answers import LiquidationAnswers
from stresslab.venues.loss_answers import LossAnswers
from stresslab.venues.market_answers import MarketAnswers
from stresslab.venues.option_answers import OptionAnswers


class Rulebook(MarketAnswers, LiquidationAnswers, LossAnswers, OptionAnswers):
    """The rules of one contract (`rules`), and its answers.

    Tiers, margins and prices (`size_answers`, `margin_answers`, `option_answers`); mark, funding, band
    (`market_answers`); ladder, fees, close-out (`liquidation_answers`); fund, deleveraging, shared losses
    (`loss_answers`).
    """
