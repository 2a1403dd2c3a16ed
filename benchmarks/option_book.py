"""Twenty options under Deribit's portfolio margin: the study, and the same account in NumPy without tables.

The NumPy account draws GBM paths, and values every option in every scenario at both extremes of every step: float32,
all paths at once, the book's volatilities by the same smile. It does a little less than stresslab does: it counts the
accounts that come to their requirement, and settles nothing.
"""

from typing import Any

import numpy as np

from benchmarks import tasks
from stresslab.config import study_from_dict
from stresslab.config.schema import Study
from stresslab.options import margin
from stresslab.options.book import OptionBook, option_book
from stresslab.options.smile import ImpliedVolatility

SPOT, COLLATERAL = 93576.0, 1.11  # a twentieth is liquidated within a day, half within a week
STRIKES = (70, 75, 80, 85, 90, 95, 100, 105, 110, 120)  # thousands; puts below the spot, calls above
EXPIRIES = {14: "2025-01-15T00:00:00Z", 30: "2025-01-31T00:00:00Z"}
SIGMA = 0.6
PERPETUAL = 20_000.0  # USD
SOLD = {14: -1.0, 30: -0.5}  # quantity of each

f32 = np.float32


def study(kind: str, horizons: list[str], paths: int, block: int) -> Study:
    """Strangles sold, settled in coin, and a perpetual."""
    options = [
        {"option": "call" if 1000 * strike > SPOT else "put", "strike": 1000.0 * strike, "expiry": EXPIRIES[days],
         "side": "long" if quantity > 0 else "short", "quantity": abs(quantity)}
        for days, quantity in SOLD.items()
        for strike in STRIKES
    ]  # fmt: skip
    perpetual = {"rulebook": "deribit/BTC-PERPETUAL", "side": "long", "quantity": PERPETUAL}
    model = {"kind": "gbm", "sigma": SIGMA} if kind == "gbm" else {"kind": kind, **_parameters(kind)}
    return study_from_dict(
        {
            "study": "benchmark",
            "as_of": "2025-01-01T00:00:00Z",
            "seed": 1,
            "market": {"asset": "BTC", "spot": SPOT, "model": kind, "step": tasks.STEP, "horizons": horizons},
            "models": {kind: model},
            "funding": {"kind": "constant", "rate": 0.0, "interval": "8h"},
            "implied": {"skew": -0.14, "curvature": 0.3},
            "book": {
                "rulebook": "deribit/BTC-OPTIONS",
                "margin_mode": "portfolio",
                "collateral": COLLATERAL,
                "positions": [*options, perpetual],
            },
            "sampling": {"paths": paths, "block": block},
            "outputs": {"events": ["liquidation", "bankruptcy", "loss_50"]},
        }
    )


def _parameters(kind: str) -> dict[str, Any]:
    return {str(name): value for name, value in tasks.model(kind).model_dump(exclude={"kind"}).items()}


def book() -> OptionBook:
    """The options, strikes relative to the spot."""
    days, strikes = np.repeat(list(SOLD), len(STRIKES)), np.tile(STRIKES, len(SOLD))
    quantity = np.repeat(list(SOLD.values()), len(STRIKES))
    return option_book(quantity, 1000 * strikes / SPOT, days / 365, 1000 * strikes > SPOT, "coin")


def run(seed: int, n_paths: int, n_steps: int, cash: float) -> int:
    """Accounts that come to their requirement within `n_steps` steps; `cash` in coin, what is left of it at as_of."""
    rng, held, rule = np.random.default_rng(seed), book(), margin.PortfolioMargin().relative_to(SPOT)
    smile, here, alive = ImpliedVolatility(), np.zeros(n_paths, f32), np.ones(n_paths, bool)
    deviation = f32(SIGMA * np.sqrt(tasks.DT))
    for step in range(n_steps):
        move = deviation * rng.standard_normal(n_paths, dtype=f32) - deviation * deviation / f32(2)
        reach = np.sqrt(move * move + f32(2) * deviation**2 * rng.standard_exponential(n_paths, dtype=f32))
        for sign in (f32(-1), f32(1)):
            at = here + f32(0.5) * (move + sign * reach)
            alive &= _excess(held, smile, rule, at, step * tasks.DT, cash) > 0
        here = here + move
    return int(n_paths - alive.sum())


def _excess(
    held: OptionBook,
    smile: ImpliedVolatility,
    rule: margin.PortfolioMargin,
    log_price: np.ndarray,
    t: float,
    cash: float,
) -> np.ndarray:
    """Equity less requirement, coin, of each path."""
    price, tau = np.exp(log_price), (held.expiry - t).astype(f32)
    own = smile.volatility(log_price[:, None], SIGMA**2, held.strike, tau).astype(f32)
    size = PERPETUAL / SPOT
    needed = margin.requirement(rule, held, price, own, t, size / price).maintenance
    return cash + held.value(price, own, t) + size * (1 - 1 / price) - needed
