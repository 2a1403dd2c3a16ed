"""Managed books on many paths of geometric Brownian motion, by the compiled walk."""

from typing import Any

import jax
import numpy as np

from stresslab import general, random, scan, schedule
from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.models import GBM
from stresslab.models.base import Parameters

HOUR = 1 / (365 * 24)


def walked(
    form: BookForm,
    numbers: BookNumbers,
    n_steps: int,
    n_paths: int,
    *,
    model: Parameters | None = None,
    dt: float = HOUR,
    funding: tuple[int, float] | None = None,
    stages: tuple[Any, ...] = (general.walk,),
    loss_levels: tuple[float, ...] = (),
) -> Any:
    """Everything at the end of `n_steps`; funding as (every so many steps, rate). Paths last."""
    model = model or GBM(sigma=0.8)
    ends = np.array([n_steps])
    every, rate = funding or (n_steps + 1, 0.0)
    paid = np.arange(every, n_steps + 1, every)
    jumps = getattr(model, "jump_intensity", 0.0) * dt
    clock = schedule.build(ends, np.arange(1, n_steps + 1), paid, rate, jumps)
    scan_paths = min(n_paths, 2048)
    shape = general.Shape(model.dynamics, model.layout(dt), form, 1, False, scan_paths)
    given = general.arguments(random.key(3), model, dt, clock, np.array(loss_levels), numbers)
    found = scan.launch(stages, shape, np.arange(0, n_paths, scan_paths), tuple(given))
    return _joined(found)


def _joined(found: Any) -> Any:
    """(scan, ..., path) as (..., path)."""
    return jax.tree.map(
        lambda leaf: np.concatenate(list(np.asarray(leaf)), axis=-1) if np.ndim(leaf) > 1 else np.asarray(leaf), found
    )
