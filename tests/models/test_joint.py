"""Several assets: their dependence is what was asked for, and each is alone what it was."""

import json
import pickle

import jax
import numpy as np
import pytest
from helpers.examples import EXAMPLES
from helpers.statistics import assert_mean, assert_proportion, assert_rejected
from pydantic import ValidationError

from stresslab.errors import InputError
from stresslab.models import GBM, Heston, Merton
from stresslab.models import correlation as correlations
from stresslab.models.base import Diffusion
from stresslab.models.common_jumps import CommonJumps
from stresslab.models.joint import Joint
from stresslab.passage import first_passage
from stresslab.paths import simulate

DAY = 1 / 365
HESTON = Heston(v0=0.5, kappa=3.0, theta=0.5, xi=1.2, rho=-0.6)
MERTON = Merton(sigma=0.5, jump_intensity=25.0, jump_mean=-0.05, jump_std=0.08)
PAIR = Joint(assets={"BTC": GBM(sigma=0.7), "ETH": GBM(sigma=0.9)}, correlation=0.5)
DRIVEN = sorted(kind for kind, model in EXAMPLES.items() if len(model.price_loadings(1e-4)))


def diffusions(joint, dt=1 / 8760, n_paths=2**16, seed=3):
    """Total diffusion moves of one step, (asset, path), and the variances of the state after it."""
    layout, dynamics = joint.layout(dt), joint.dynamics
    bits = jax.random.bits(jax.random.key(seed), (layout.n_words, 1, n_paths), "uint32")
    state = jax.tree.map(jax.numpy.asarray, joint.init(n_paths))
    after, pieces = jax.jit(dynamics.step)(joint.coefficients(dt), state, tuple(bits))
    moves = [np.broadcast_to(piece.move, (layout.assets, n_paths)) for piece in pieces if isinstance(piece, Diffusion)]
    return np.sum(moves, axis=0, dtype=float), np.asarray(after.variance, float)


def normalised(values):
    return (values - values.mean()) / values.std()


class TestReference:
    @pytest.fixture(scope="class")
    @staticmethod
    def case(shared):
        every = json.loads((shared / "reference" / "reference_values.json").read_text())
        return next(case for case in every if case["id"] == "two_asset_any_rho0.5_1d")

    @staticmethod
    def found(case, step, n, correlation=None):
        given = case["parameters"]
        sigmas = (given["sigma1"], given["sigma2"])
        assets = {name: GBM(sigma=s, mu=s * s / 2) for name, s in zip("AB", sigmas, strict=True)}
        joint = Joint(assets=assets, correlation=correlation or given["rho"])
        barrier = {"A": given["barrier1_over_S0"], "B": given["barrier2_over_S0"]}
        asked = {"horizons": ["1D"], "step": step, "n_paths": n, "seed": 3}
        return first_passage(joint, barriers=[barrier], **asked).isel(barrier=0, horizon=0)

    def test_any_and_all(self, case):
        """2^19 paths at steps of an hour: standard errors of 0.0006 and 0.00035."""
        n = 2**19
        found, values = self.found(case, "1h", n), case["value"]
        for asset, name in (("A", "p1"), ("B", "p2"), ("any", "any"), ("all", "both")):
            assert_proportion(int(found.hits.sel(asset=asset)), n, values[name], z=4)
        assert found.lower.sel(asset="any") < values["any"] < found.upper.sel(asset="any")
        wrong = self.found(case, "1h", n, correlation=0.53)
        assert_rejected(assert_proportion, int(wrong.hits.sel(asset="all")), n, values["both"])

    @pytest.mark.slow
    def test_the_bias_of_the_bridges_falls_with_the_step(self, case):
        """2^22 paths: off by some 0.0005 where one bridge spans the whole day, within error from 8 steps on."""
        n, off = 2**22, {}
        for step in ("1D", "3h", "1h"):
            both = float(self.found(case, step, n).probability.sel(asset="all"))
            off[step] = abs(both - case["value"]["both"])
        error = np.sqrt(0.07 * 0.93 / n)
        assert off["1D"] > 5 * error
        assert off["3h"] < off["1D"]
        assert off["1h"] < 4 * error


class TestDependence:
    @pytest.mark.parametrize("kind", DRIVEN)
    def test_every_model_with_price_noise(self, kind):
        """Beside a Brownian motion with correlation 0.8: that of the diffusion, by rank to be safe from fat tails."""
        joint = Joint(assets={"X": EXAMPLES[kind], "W": GBM(sigma=0.5)}, correlation=0.8)
        joint.check_step(3600)
        moves, _ = diffusions(joint, dt=1 / 8760 / joint.substeps(1 / 8760))
        moved = moves[:, moves[0] != moves[0, 0]] if np.ptp(moves[0]) == 0 else moves
        ranks = [np.argsort(np.argsort(row)) for row in moved]
        rank = np.corrcoef(ranks)[0, 1]
        assert abs(rank - 6 / np.pi * np.arcsin(0.8 / 2)) < 0.03

    def test_two_square_root_variances(self):
        """Log returns at 0.8; each variance keeps its own correlation with its price, and across they are 0.8 rho."""
        moves, variance = diffusions(Joint(assets={"A": HESTON, "B": HESTON}, correlation=0.8))
        a, b, v = normalised(moves[0]), normalised(moves[1]), normalised(variance[0])
        assert_mean(a * b, 0.8, slack=0.003)
        assert_mean(a * v, HESTON.rho, slack=0.003)
        assert_mean(b * v, 0.8 * HESTON.rho, slack=0.003)
        assert_rejected(assert_mean, a * b, 0.8 * np.sqrt(1 - HESTON.rho**2), slack=0.003)

    def test_a_matrix_of_three(self):
        matrix = ((1, 0.8, 0.5), (0.8, 1, 0.6), (0.5, 0.6, 1))
        assets = {"A": MERTON, "B": HESTON, "C": GBM(sigma=0.6)}
        moves, _ = diffusions(Joint(assets=assets, correlation=matrix))
        for one, other in ((0, 1), (0, 2), (1, 2)):
            product = normalised(moves[one]) * normalised(moves[other])
            assert_mean(product, matrix[one][other], slack=0.003)
            assert_rejected(assert_mean, product, matrix[one][other] + 0.04, slack=0.003)

    def test_a_t_copula_in_one_step_and_in_many(self):
        """Extreme in the same hour, 2^18 paths: C(u, u) of the t copula; over 200 steps that of the Gaussian."""
        joint = PAIR.model_copy(update={"copula": "student_t", "nu": 3.0})
        n, u = 2**18, 0.005
        price = simulate(joint, n_paths=n, horizon="200min", step="1min", seed=5).price.values
        first, last = np.log(price[:, :, 1]), np.log(price[:, :, -1])
        both = [int((move < np.quantile(move, u, axis=1)[:, None]).all(axis=0).sum()) for move in (first, last)]
        from_one, from_many = (np.array(both) / (n * u)).tolist()
        assert from_one == pytest.approx(0.323, abs=0.045)  # C(u, u) / u at rho 0.5 and nu 3
        assert from_many < 0.16  # 0.099 for the Gaussian

    def test_correlation_stress(self):
        """R(w) = (1 - w) R + w: 0.75 of 0.5 half way."""
        moves, _ = diffusions(PAIR.model_copy(update={"stress": 0.5}))
        product = normalised(moves[0]) * normalised(moves[1])
        assert_mean(product, 0.75)
        assert_rejected(assert_mean, product, 0.72)
        moves, _ = diffusions(PAIR.model_copy(update={"stress": 1.0}))
        np.testing.assert_allclose(normalised(moves[0]), normalised(moves[1]), atol=1e-4)


class TestMargins:
    ASKED = {"barriers": [0.95, 0.98, 1.03], "horizons": ["6h"], "step": "1h", "n_paths": 2**17, "seed": 8}

    def test_the_first_asset_keeps_its_paths(self):
        """Its normals are the first words, and nothing is mixed into them."""
        joint = simulate(PAIR, n_paths=256, horizon="6h", step="1h", seed=8).price.sel(asset="BTC")
        alone = simulate(PAIR.assets["BTC"], n_paths=256, horizon="6h", step="1h", seed=8).price
        np.testing.assert_allclose(joint, alone, rtol=2e-6)

    @pytest.mark.parametrize("copula, nu", [("gaussian", None), ("student_t", 3.0)])
    def test_first_passage_of_each_asset(self, copula, nu):
        """Jumps, stochastic variance and plain together: each touches as often as it does alone."""
        assets = {"A": MERTON, "B": HESTON, "C": GBM(sigma=0.9)}
        found = first_passage(Joint(assets=assets, correlation=0.7, copula=copula, nu=nu), **self.ASKED)
        for name, model in assets.items():
            alone = first_passage(model, **{**self.ASKED, "seed": 9})
            error = np.hypot(alone.standard_error, found.standard_error.sel(asset=name))
            assert np.all(np.abs(found.probability.sel(asset=name) - alone.probability) < 4.5 * error), name
        each = found.hits.values
        assert np.all(each[3] >= each[:3].max(axis=0)), "any"
        assert np.all(each[4] <= each[:3].min(axis=0)), "all"

    def test_mirrored_pairs(self):
        found = first_passage(PAIR, **self.ASKED, antithetic=True)
        plain = first_passage(PAIR, **self.ASKED)
        error = np.hypot(found.standard_error, plain.standard_error)
        assert np.all(np.abs(found.probability - plain.probability) < 4.5 * error)


class TestCommonJumps:
    JUMPS = CommonJumps(intensity=73.0, means={"A": -0.1, "B": -0.2}, stds={"A": 0.02, "B": 0.04}, correlation=0.5)

    def test_all_jump_at_once(self):
        """Quiet assets, a day, 2^15 paths: both fall or none does, P = 1 - exp(-0.2); sizes as they were asked for."""
        quiet = Joint(assets={"A": GBM(sigma=0.01), "B": GBM(sigma=0.01)}, correlation=0.0, common_jumps=self.JUMPS)
        n = 2**15
        price = simulate(quiet, n_paths=n, horizon="1D", step="1h", seed=2).price.values[:, :, -1]
        growth = 73.0 * DAY * np.expm1(np.array([-0.1, -0.2]) + np.array([0.02, 0.04]) ** 2 / 2)
        moved = np.log(price) + growth[:, None]
        fell = moved < -0.03
        np.testing.assert_array_equal(fell[0], fell[1])
        assert_proportion(int(fell[0].sum()), n, -np.expm1(-0.2))
        once = moved[:, fell[0] & (moved[0] > -0.155) & (moved[1] > -0.31)]  # two at once are left out
        assert_mean(once[0], -0.1, slack=0.0005)
        a, b = normalised(once[0]), normalised(once[1])
        assert_mean(a * b, 0.5, slack=0.03)

    def test_prices_stay_martingales(self):
        joint = Joint(assets={"A": GBM(sigma=0.3), "B": HESTON}, correlation=0.3, common_jumps=self.JUMPS)
        price = simulate(joint, n_paths=2**16, horizon="2D", step="4h", seed=4).price.values[:, :, -1]
        for row in price:
            assert_mean(row, 1.0)
        wrong = price[1] * np.exp(73.0 * 2 * DAY * 0.02)
        assert_rejected(assert_mean, wrong, 1.0)

    def test_first_passage_beside_merton(self):
        """A step late at most: at steps of an hour it is within 0.3 % of exact jump times, by the same law."""
        jumps = CommonJumps(intensity=73.0, means={"A": -0.1, "B": -0.1}, stds={"A": 0.05, "B": 0.05})
        joint = Joint(assets={"A": GBM(sigma=0.6), "B": GBM(sigma=0.6)}, correlation=0.0, common_jumps=jumps)
        exact = Merton(sigma=0.6, jump_intensity=73.0, jump_mean=-0.1, jump_std=0.05)
        asked = {"barriers": [0.95], "horizons": ["1D"], "step": "1h", "n_paths": 2**18, "seed": 6}
        one, other = first_passage(joint, **asked).probability[0, 0, 0], first_passage(exact, **asked).probability[0, 0]
        assert abs(float(one - other)) < 5 * np.sqrt(2 * 0.25 * 0.75 / 2**18) + 0.003 * float(other)

    def test_sizes_are_named_for_every_asset(self):
        with pytest.raises(ValidationError, match="must name every asset once: BTC, ETH"):
            Joint(**{**dict(PAIR), "common_jumps": self.JUMPS})


class TestMatrix:
    def test_refusals(self):
        assets = {name: GBM(sigma=0.5) for name in "ABC"}
        wrong = {
            "symmetric": ((1, 0.1, 0), (0.2, 1, 0), (0, 0, 1)),
            "ones on its diagonal": ((1, 0.1, 0), (0.1, 0.9, 0), (0, 0, 1)),
            "one number, or a matrix of 3": ((1, 0.1), (0.1, 1)),
            "between -1 and 1": ((1, 1.1, 0), (1.1, 1, 0), (0, 0, 1)),
            "positive definite.*One nearby": ((1, 0.9, -0.9), (0.9, 1, 0.9), (-0.9, 0.9, 1)),
        }
        for rule, matrix in wrong.items():
            with pytest.raises(ValidationError, match=rule):
                Joint(assets=assets, correlation=matrix)

    def test_what_is_offered_is_taken(self):
        offered = np.round(correlations.nearby(np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])), 4)
        correlations.checked(offered)

    @pytest.mark.parametrize("stress", [0.0, 0.3, 0.9, 0.999])
    def test_stress_keeps_it_definite(self, stress):
        matrix = np.array([[1, 0.8, -0.5], [0.8, 1, -0.2], [-0.5, -0.2, 1]])
        found = correlations.stressed(matrix, stress)
        assert np.linalg.eigvalsh(found)[0] > 0
        np.testing.assert_allclose(np.linalg.cholesky(found), correlations.factor(found), atol=1e-12)

    def test_factor_of_ones(self):
        np.testing.assert_array_equal(correlations.factor(np.ones((3, 3))), [[1, 0, 0]] * 3)


class TestInterface:
    def test_barriers_by_asset(self):
        asked = {"horizons": ["6h"], "step": "1h", "n_paths": 4096, "seed": 8}
        found = first_passage(PAIR, barriers=[{"BTC": 0.97}, {"BTC": 0.97, "ETH": 1.04}], **asked)
        assert list(found.asset.values) == ["BTC", "ETH", "any", "all"]
        assert list(found.barrier.values) == ["BTC 0.97", "BTC 0.97, ETH 1.04"]
        assert float(found.probability.sel(asset="ETH")[0, 0]) == 0, "an asset without a barrier touches none"
        assert float(found.probability.sel(asset="all")[0, 0]) == float(found.probability.sel(asset="BTC")[0, 0])
        with pytest.raises(InputError, match="names assets of a joint model, here BTC, ETH"):
            first_passage(PAIR, barriers=[{"SOL": 0.9}], **asked)
        with pytest.raises(InputError, match="needs a joint model"):
            first_passage(GBM(sigma=0.5), barriers=[{"BTC": 0.9}], **asked)

    def test_models(self):
        with pytest.raises(ValidationError, match="two assets or more"):
            Joint(assets={"A": GBM(sigma=0.5)}, correlation=0.0)
        with pytest.raises(ValidationError, match="no name for an asset"):
            Joint(assets={"A": GBM(sigma=0.5), "any": GBM(sigma=0.5)}, correlation=0.0)
        with pytest.raises(ValidationError, match="belongs to copula: student_t"):
            Joint(**{**dict(PAIR), "nu": 3.0})

    def test_pickle_hash_and_one_trace(self):
        joint = Joint(assets={"A": MERTON, "B": HESTON}, correlation=0.5, common_jumps=None)
        twin = pickle.loads(pickle.dumps(joint))
        assert twin == joint
        assert hash(twin) == hash(joint)
        other = joint.model_copy(update={"correlation": 0.7})
        structures = [jax.tree.structure(one.coefficients(1 / 8760)) for one in (joint, twin, other)]
        assert structures[0] == structures[1] == structures[2], "new numbers compile nothing new"
        assert joint.dynamics == other.dynamics
