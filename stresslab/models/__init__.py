"""The volatility models, one file each. `MODELS` is the whole registry: a new model is a new line in it."""

from stresslab.models.base import Parameters as Parameters
from stresslab.models.basis import Basis as Basis
from stresslab.models.bates import Bates as Bates
from stresslab.models.block_bootstrap import BlockBootstrap as BlockBootstrap
from stresslab.models.common_jumps import CommonJumps as CommonJumps
from stresslab.models.egarch import EGARCH as EGARCH
from stresslab.models.figarch import FIGARCH as FIGARCH
from stresslab.models.filtered_historical import FilteredHistorical as FilteredHistorical
from stresslab.models.garch import GARCH as GARCH
from stresslab.models.gbm import GBM as GBM
from stresslab.models.gjr import GJR as GJR
from stresslab.models.hawkes import Hawkes as Hawkes
from stresslab.models.heston import Heston as Heston
from stresslab.models.joint import Joint as Joint
from stresslab.models.kou import Kou as Kou
from stresslab.models.merton import Merton as Merton
from stresslab.models.regime_switching import RegimeSwitching as RegimeSwitching
from stresslab.models.replay import Replay as Replay
from stresslab.models.rough_bergomi import RoughBergomi as RoughBergomi
from stresslab.models.rough_heston import RoughHeston as RoughHeston
from stresslab.models.sabr import SABR as SABR
from stresslab.models.scaled_historical import ScaledHistorical as ScaledHistorical
from stresslab.models.svjj import SVJJ as SVJJ

MODELS: dict[str, type[Parameters]] = {
    "gbm": GBM,
    "merton": Merton,
    "kou": Kou,
    "heston": Heston,
    "bates": Bates,
    "svjj": SVJJ,
    "sabr": SABR,
    "rough_bergomi": RoughBergomi,
    "rough_heston": RoughHeston,
    "regime_switching": RegimeSwitching,
    "hawkes": Hawkes,
    "garch": GARCH,
    "gjr": GJR,
    "egarch": EGARCH,
    "figarch": FIGARCH,
    "filtered_historical": FilteredHistorical,
    "block_bootstrap": BlockBootstrap,
    "replay": Replay,
    "scaled_historical": ScaledHistorical,
}
