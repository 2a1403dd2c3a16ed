"""The figures of the page, in its order."""

from collections.abc import Sequence

import xarray as xr

from stresslab.limits import LimitResult
from stresslab.report import replay, uncertainty
from stresslab.report.bars import causes, losses
from stresslab.report.curves import ruin_curve, survival
from stresslab.report.layout import Layout
from stresslab.report.plots import Figure


def drawn(ds: xr.Dataset, layout: Layout, limits: Sequence[LimitResult]) -> list[Figure]:
    """All figures."""
    found = [ruin_curve(ds, layout, limits), survival(ds, layout), losses(ds, layout), causes(ds, layout)]
    if uncertainty.is_drawn(ds):
        found.append(uncertainty.figure(ds, layout))
    if replay.is_replayed(ds):
        found.append(replay.figure(ds, layout))
    return found
