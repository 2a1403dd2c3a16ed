"""Shocks: overlays that are put on any model, at a given time or at random."""

from stresslab.shocks.apply import shocked as shocked
from stresslab.shocks.effects import EFFECTS as EFFECTS
from stresslab.shocks.effects import AnyEffect as AnyEffect
from stresslab.shocks.effects import Correlation as Correlation
from stresslab.shocks.effects import Effect as Effect
from stresslab.shocks.effects import Funding as Funding
from stresslab.shocks.effects import Gap as Gap
from stresslab.shocks.effects import JumpIntensity as JumpIntensity
from stresslab.shocks.effects import Volatility as Volatility
from stresslab.shocks.shocked import Shocked as Shocked
from stresslab.shocks.when import Arrival as Arrival
from stresslab.shocks.when import Uniform as Uniform
