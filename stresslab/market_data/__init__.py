"""Prices from files: bars, their stamps, and everything that may be wrong with them."""

from stresslab.market_data.bars import COLUMNS as COLUMNS
from stresslab.market_data.bars import Bars as Bars
from stresslab.market_data.price_file import read_bars as read_bars
