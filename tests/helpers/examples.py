"""One model of each kind with parameters of a crypto asset, as a study would give them."""

from stresslab.models import GBM, MODELS, Heston, Merton
from stresslab.models.base import Parameters

EXAMPLES: dict[str, Parameters] = {
    "gbm": GBM(sigma=0.8, mu=0.3),
    "merton": Merton(sigma=0.5, jump_intensity=25.0, jump_mean=-0.05, jump_std=0.08, mu=0.3),
    "heston": Heston(v0=1.0, kappa=10.0, theta=0.6, xi=4.0, rho=-0.3, mu=0.3),
}

assert set(EXAMPLES) == set(MODELS), "a model of the registry has no example here"
