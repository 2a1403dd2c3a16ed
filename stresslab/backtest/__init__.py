"""Forecasts against what happened: walk forward over prices, forecast liquidation, score, test."""

from stresslab.backtest import parse as parse
from stresslab.backtest.clock import Spans as Spans
from stresslab.backtest.history import read_history as read_history
from stresslab.backtest.levels import DatedRules as DatedRules
from stresslab.backtest.levels import flat_levels as flat_levels
from stresslab.backtest.levels import rulebook_levels as rulebook_levels
from stresslab.backtest.question import Question as Question
from stresslab.backtest.walk import run_backtest as run_backtest
