"""How the holder of a book acts, one policy a file; `base` has the protocol."""

from stresslab.accounts.policies.constant_leverage import ConstantLeverage
from stresslab.accounts.policies.deleverage import Deleverage
from stresslab.accounts.policies.delta_hedge import DeltaHedge
from stresslab.accounts.policies.margin_top_up import MarginTopUp
from stresslab.accounts.policies.re_entry import ReEntry
from stresslab.accounts.policies.stop_loss import StopLoss
from stresslab.accounts.policies.take_profit import TakeProfit
from stresslab.accounts.policies.trailing_stop import TrailingStop

POLICIES = {
    "stop_loss": StopLoss,
    "take_profit": TakeProfit,
    "trailing_stop": TrailingStop,
    "margin_top_up": MarginTopUp,
    "deleverage": Deleverage,
    "constant_leverage": ConstantLeverage,
    "delta_hedge": DeltaHedge,
    "re_entry": ReEntry,
}
