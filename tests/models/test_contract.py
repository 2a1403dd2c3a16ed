"""What every model keeps: a new one inherits these tests by entering `MODELS` and tests/helpers/examples.py."""

import copy
import inspect
import json
import pickle
import sys
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.examples import EXAMPLES
from pydantic import ValidationError

from stresslab import random, scan
from stresslab.models import MODELS
from stresslab.models.base import Diffusion, Jump
from stresslab.passage import first_passage

N_PATHS, DT = 512, 1 / (365 * 96)  # steps of 15 minutes
KINDS = sorted(MODELS)
NUMBERS = [(kind, name) for kind in KINDS for name, value in EXAMPLES[kind] if type(value) is float]
INVERTIBLE = [kind for kind in KINDS if MODELS[kind].has_characteristic_function]


def drawn(model, step=0, dt=DT):
    """Words for one step of N_PATHS paths, seed 4."""
    path = np.arange(N_PATHS, dtype=np.uint32)[None]
    return random.words(random.key(4), path, np.uint32(step), model.layout(dt).n_words)


@cache
def compiled(kind):
    """One compilation for all tests of a step."""
    return jax.jit(EXAMPLES[kind].dynamics.step)


def given(kind):
    model = EXAMPLES[kind]
    return model, model.coefficients(DT), jax.tree.map(jnp.asarray, model.init(N_PATHS)), drawn(model)


def as_dict(model):
    return {name: value for name, value in model if name != "kind"}


@pytest.mark.parametrize("kind", KINDS)
class TestStep:
    def test_shapes_and_dtypes(self, kind):
        model, coefficients, state, words = given(kind)
        after, pieces = compiled(kind)(coefficients, state, words)
        layout = model.layout(DT)
        whole = (layout.assets, N_PATHS)
        for field in (*state[:2], *after[:2]):
            assert field.shape == whole
            assert field.dtype == jnp.float32
        assert jax.tree.structure(after.memory) == jax.tree.structure(state.memory)
        for old, new in zip(jax.tree.leaves(state.memory), jax.tree.leaves(after.memory), strict=True):
            assert new.shape == old.shape
            assert new.dtype == old.dtype
            assert new.shape == () or new.shape[-1] == N_PATHS
        kinds = [type(piece) for piece in pieces]
        assert kinds.count(Diffusion) == layout.n_diffusions
        assert kinds.count(Jump) == layout.jumps
        for field in jax.tree.leaves(pieces):
            assert np.broadcast_shapes(field.shape, whole) == whole
            assert field.dtype == jnp.float32

    def test_coefficients_have_one_width(self, kind):
        """A Python float among them would trace anew; float64 would be cut where nobody looks."""
        for leaf in jax.tree.leaves(EXAMPLES[kind].coefficients(DT)):
            assert isinstance(leaf, np.generic | np.ndarray)
            assert leaf.dtype in (np.float32, np.int32, np.uint32)

    def test_variance_integrated_is_not_negative(self, kind):
        model, coefficients, state, words = given(kind)
        _, pieces = compiled(kind)(coefficients, state, words)
        for piece in pieces:
            if isinstance(piece, Diffusion):
                assert np.all(np.asarray(piece.variance) >= 0)

    def test_jit_changes_nothing_but_rounding(self, kind):
        """XLA may fuse a product and a sum: a few units in the last place of what is added up."""
        model, coefficients, state, words = given(kind)
        plain, fused = model.dynamics.step(coefficients, state, words), compiled(kind)(coefficients, state, words)
        for ours, theirs in zip(jax.tree.leaves(plain), jax.tree.leaves(fused), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-7)

    def test_many_parameters_at_once(self, kind):
        """vmap over stacked coefficients is a loop over models."""
        model, _, state, words = given(kind)
        several = [model.model_copy(update={"mu": mu}) for mu in (-1.0, 0.0, 2.0)]
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *(one.coefficients(DT) for one in several))
        _, together = jax.jit(jax.vmap(model.dynamics.step, in_axes=(0, None, None)))(stacked, state, words)
        for place, one in enumerate(several):
            _, alone = compiled(kind)(one.coefficients(DT), state, words)
            for ours, theirs in zip(jax.tree.leaves(alone), jax.tree.leaves(together), strict=True):
                np.testing.assert_allclose(ours, theirs[place], rtol=2e-5, atol=2e-7)

    def test_extreme_words(self, kind):
        """All words 0, all ones and the sign bit alone: finite, from any of their combinations in turn."""
        model, coefficients, state, words = given(kind)
        extremes = np.array([0, 2**31 - 1, 2**31, 2**32 - 1, 1], np.uint32)
        choice = np.random.default_rng(1).integers(len(extremes), size=(len(words), 1, N_PATHS))
        after, pieces = compiled(kind)(coefficients, state, tuple(jnp.asarray(extremes[choice])))
        for field in jax.tree.leaves((after, pieces)):
            assert np.all(np.isfinite(field))


@pytest.mark.parametrize("kind", KINDS)
def test_finite_over_long_horizons(kind):
    """Ten years in the longest steps, 128 paths of seed 4; some 20,000 of them where there are jumps."""
    model = EXAMPLES[kind]
    n_steps = model.substeps(10.0) if model.longest_step < 1 else 3650
    dt = 10.0 / n_steps
    path = np.arange(128, dtype=np.uint32)[None]

    def advance(step, carry):
        state, price, worst = carry
        words = random.words(random.key(4), path, step.astype(jnp.uint32), model.layout(dt).n_words)
        state, pieces = model.dynamics.step(model.coefficients(dt), state, words)
        price = price + sum(piece.move for piece in pieces)
        return state, price, jnp.minimum(worst, state.variance)

    state = jax.tree.map(jnp.asarray, model.init(128))
    start = (state, state.log_price, state.variance)
    state, price, lowest = jax.jit(lambda carry: jax.lax.fori_loop(0, n_steps, advance, carry))(start)
    for field in (state.variance, price, lowest):
        assert np.all(np.isfinite(field))
    assert np.all(np.asarray(lowest) >= 0)


@pytest.mark.parametrize("kind", KINDS)
def test_values_do_not_trace_anew(kind):
    """One compilation serves all parameters of a family: parameters are arguments."""
    wanted = {"barriers": [0.9], "horizons": ["10h"], "step": "2h", "n_paths": 1 << 18}
    first_passage(EXAMPLES[kind], seed=1, **wanted)
    before = scan.traces.total()
    other = EXAMPLES[kind].model_copy(update={"mu": -0.7})
    first_passage(other, seed=2, **{**wanted, "horizons": ["1D"], "barriers": [0.8, 0.5]})
    assert scan.traces.total() == before


@pytest.mark.parametrize("kind", KINDS)
def test_longest_step_and_substeps(kind):
    model = EXAMPLES[kind]
    for dt in (1e-6, 1 / 8760, 1 / 365, 0.5):
        parts = model.substeps(dt)
        assert parts >= 1
        assert dt / parts <= model.longest_step * (1 + 1e-9)
        assert parts == 1 or dt / (parts - 1) > model.longest_step
        model.layout(dt / parts)


@pytest.mark.parametrize("kind", INVERTIBLE)
@pytest.mark.parametrize("t", [1 / 365, 30 / 365, 2.0])
def test_characteristic_function(kind, t):
    """1 at 0, the growth rate at -i, never above 1 on the real line, and conjugate-symmetric."""
    model = EXAMPLES[kind]
    assert complex(model.characteristic_function(np.asarray(0j), t)) == pytest.approx(1)
    growth = complex(model.characteristic_function(np.asarray(-1j), t))
    assert growth == pytest.approx(np.exp(model.mu * t), rel=1e-9)
    u = np.linspace(0.1, 60, 200) + 0j
    values = model.characteristic_function(u, t)
    assert np.all(np.abs(values) <= 1)
    np.testing.assert_allclose(model.characteristic_function(-u, t), np.conj(values), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
class TestParameters:
    def test_pytree(self, kind):
        model = EXAMPLES[kind]
        leaves, structure = jax.tree.flatten(model)
        moving = {name: value for name, value in model if isinstance(value, float)}
        assert leaves == jax.tree.leaves(list(moving.values()))
        assert jax.tree.unflatten(structure, leaves) == model
        paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_flatten_with_path(model)[0]]
        assert {path.split(".")[1] for path in paths} == set(moving)

    def test_argument_of_a_compiled_function(self, kind):
        model = EXAMPLES[kind]
        doubled = jax.jit(lambda m: jax.tree.map(lambda leaf: leaf * 2, m))(model)
        assert type(doubled) is type(model)
        assert float(doubled.mu) == pytest.approx(2 * model.mu)
        assert jax.grad(lambda m: m.mu * 3.0)(model).mu == 3

    def test_pickle_copy_and_hash(self, kind):
        model = EXAMPLES[kind]
        for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), MODELS[kind](**as_dict(model))):
            assert twin == model
            assert hash(twin) == hash(model)
        other = model.model_copy(update={"mu": model.mu + 0.1})
        assert other != model
        assert hash(other) != hash(model)

    def test_frozen(self, kind):
        with pytest.raises(ValidationError, match="frozen"):
            EXAMPLES[kind].mu = 1.0

    def test_kind_is_the_name_in_the_registry(self, kind):
        assert EXAMPLES[kind].kind == kind
        assert MODELS[kind].model_validate({"kind": kind, **as_dict(EXAMPLES[kind])}) == EXAMPLES[kind]
        with pytest.raises(ValidationError, match="kind"):
            MODELS[kind].model_validate({"kind": "other", **as_dict(EXAMPLES[kind])})

    def test_json_schema(self, kind):
        schema = MODELS[kind].model_json_schema()
        json.dumps(schema)
        assert schema["additionalProperties"] is False
        assert set(schema["properties"]) == {"kind", *as_dict(EXAMPLES[kind])}
        for name, field in schema["properties"].items():
            assert name == "kind" or field["description"]

    def test_json_round_trip(self, kind):
        model = EXAMPLES[kind]
        assert MODELS[kind].model_validate_json(model.model_dump_json()) == model

    def test_whole_numbers_are_numbers(self, kind):
        """YAML's `kappa: 3` is as good as 3.0."""
        assert isinstance(MODELS[kind](**{**dict(EXAMPLES[kind]), "mu": 1}).mu, float)

    def test_misspelt_key(self, kind):
        with pytest.raises(ValidationError, match="sgima"):
            MODELS[kind](**as_dict(EXAMPLES[kind]), sgima=0.5)

    def test_docstring(self, kind):
        """The file opens with the equation and its units, the class with what it is, each field with its own unit."""
        module = inspect.getdoc(sys.modules[MODELS[kind].__module__])
        assert "dx = " in module
        assert "Time in years" in module
        assert "Scheme" in module
        assert MODELS[kind].__doc__


@pytest.mark.parametrize("kind, name", NUMBERS)
@pytest.mark.parametrize("wrong", ["0.5", True, float("inf"), float("nan"), -float("inf"), [0.5]])
def test_refused_with_the_name_of_the_field(kind, name, wrong):
    with pytest.raises(ValidationError, match=name):
        MODELS[kind](**{**as_dict(EXAMPLES[kind]), name: wrong})


@pytest.mark.parametrize("kind, name", [(k, n) for k, n in NUMBERS if MODELS[k].model_fields[n].is_required()])
def test_missing(kind, name):
    values = as_dict(EXAMPLES[kind])
    del values[name]
    with pytest.raises(ValidationError, match=name):
        MODELS[kind](**values)


WRONG_SIGN = [
    *[("gbm", "sigma", value) for value in (0.0, -0.5)],
    *[("merton", name, -0.1) for name in ("sigma", "jump_intensity", "jump_std")],
    ("merton", "sigma", 0.0),
    *[("heston", name, value) for name in ("v0", "kappa", "theta", "xi") for value in (0.0, -0.1)],
    *[("heston", "rho", value) for value in (-1.0, 1.0, 1.5)],
]


@pytest.mark.parametrize("kind, name, wrong", WRONG_SIGN)
def test_wrong_sign(kind, name, wrong):
    with pytest.raises(ValidationError, match=name):
        MODELS[kind](**{**as_dict(EXAMPLES[kind]), name: wrong})
