"""The cipher, the words that a loop really uses, and what is made of them."""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.closed_forms import normal_of, uniform_of
from helpers.statistics import assert_mean, assert_proportion, assert_rejected
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.extend.random import threefry_2x32 as jax_threefry
from scipy import stats

from stresslab import random, scan
from stresslab.models.base import Diffusion, Jump, Layout, Parameters, State
from stresslab.paths import simulate

WORDS = st.integers(0, 2**32 - 1)
draw = jax.jit(random.words, static_argnums=3)
threefry = jax.jit(random.threefry2x32)
normal, uniform = jax.jit(random.normal), jax.jit(random.uniform)
ALL_ONES = 2**32 - 1

# kat_vectors of Random123 1.09 for threefry2x32 with 20 rounds: counter, key, answer
KNOWN_ANSWERS = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((ALL_ONES, ALL_ONES), (ALL_ONES, ALL_ONES), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]


def jax_words(seed, stream, path, counter):
    """The two words that JAX's own cipher makes for each (path, counter)."""
    path, counter = np.broadcast_arrays(np.asarray(path, np.uint32), np.asarray(counter, np.uint32))
    both = jax_threefry(jnp.array([seed, stream], jnp.uint32), jnp.concatenate([path.ravel(), counter.ravel()]))
    return tuple(np.asarray(half).reshape(path.shape) for half in jnp.split(both, 2))


def lattice(n):
    """`n` words spread evenly over all of them: every sum over them is an integral, without noise."""
    spacing = 2**32 // n
    return (np.arange(n, dtype=np.uint64) * spacing + spacing // 2).astype(np.uint32)


@pytest.mark.parametrize("counter, key, answer", KNOWN_ANSWERS)
def test_known_answers(counter, key, answer):
    found = threefry(random.key(*key), tuple(np.array([c], np.uint32) for c in counter))
    assert tuple(int(word[0]) for word in found) == answer


@settings(max_examples=50, deadline=None)
@given(WORDS, WORDS, WORDS, WORDS)
def test_cipher_is_that_of_jax(seed, stream, path, counter):
    """The second counter starts at the drawn one: 64 consecutive ones, as a loop over steps has."""
    counters = (counter + np.arange(64, dtype=np.uint64)).astype(np.uint32)
    paths = np.full(64, path, np.uint32)
    ours = threefry(random.key(seed, stream), (paths, counters))
    np.testing.assert_array_equal(ours, jax_words(seed, stream, paths, counters))


@pytest.mark.parametrize("n_words", [1, 2, 5])
def test_words_of_a_step(n_words):
    """Channel 2 k and 2 k + 1 are the cipher's words at counter (path, 64 step + k)."""
    path, step = np.arange(1000, dtype=np.uint32)[None], np.uint32(77)
    found = draw(random.key(11, 3), path, step, n_words)
    assert len(found) == n_words
    expected = [word for pair in range(3) for word in jax_words(11, 3, path, 77 * 64 + pair)]
    for ours, theirs in zip(found, expected, strict=False):
        assert ours.dtype == jnp.uint32
        np.testing.assert_array_equal(ours, theirs)


class Echo(Parameters):
    """No model: its variance is 16 bits of a word, so that a simulation shows the words that its loop used."""

    kind: Literal["echo"] = "echo"
    channel: int
    shift: int
    has_variance = True

    def layout(self, dt):
        return Layout(normals=2, others=1)

    def coefficients(self, dt):
        return np.uint32(self.channel), np.uint32(self.shift)

    def init(self, n_paths):
        return State(np.zeros((1, n_paths), np.float32), np.zeros((1, n_paths), np.float32))

    @staticmethod
    def step(coefficients, state, words):
        channel, shift = coefficients
        word = jnp.select([channel == np.uint32(number) for number in range(3)], words, words[0])
        bits = ((word >> shift) & np.uint32(0xFFFF)).astype(jnp.float32)
        return state._replace(variance=bits), (Diffusion(bits * np.float32(0), np.float32(0)),)

    def characteristic_function(self, u, t):
        raise NotImplementedError


class EchoWithJumps(Echo):
    """The same with a jump that never happens: the loop carries more of such a model ahead."""

    kind: Literal["echo_with_jumps"] = "echo_with_jumps"

    def layout(self, dt):
        return Layout(normals=2, others=1, jumps=1)

    @staticmethod
    def step(coefficients, state, words):
        state, (piece,) = Echo.step(coefficients, state, words)
        return state, (piece, Jump(piece.move), piece)


def words_of_a_simulation(channel, kind=Echo, **named):
    halves = []
    for shift in (0, 16):
        model = kind(channel=channel, shift=shift)
        paths = simulate(model, horizon="12h", step="15min", n_paths=2048, **named)
        halves.append(paths.variance.values[:, 1:].astype(np.uint32))
    return halves[0] | (halves[1] << np.uint32(16))


@pytest.mark.parametrize("kind", [Echo, EchoWithJumps])
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_words_that_a_scan_uses(channel, kind):
    """All 2048 x 48 of them, NaN patterns of the carried complex numbers included, are JAX's own."""
    found = words_of_a_simulation(channel, kind, seed=20261122, stream=5)
    path, step = np.arange(2048)[:, None], np.arange(48)[None]
    expected = jax_words(20261122, 5, path, step * 64 + channel // 2)[channel % 2]
    np.testing.assert_array_equal(found, expected)


def test_antithetic_partners_share_all_but_the_signs():
    """Channels 0 and 1 become normals and are mirrored by their sign bit; channel 2 is the same for both partners."""
    for channel, mirror in ((0, 2**31), (1, 2**31), (2, 0)):
        found = words_of_a_simulation(channel, seed=7, antithetic=True)
        path, step = np.arange(1024)[:, None], np.arange(48)[None]
        expected = jax_words(7, 0, path, step * 64 + channel // 2)[channel % 2]
        np.testing.assert_array_equal(found[0::2], expected)
        np.testing.assert_array_equal(found[1::2], expected ^ np.uint32(mirror))


def test_words_carried_by_a_loop():
    """What lies packed in the carry after a loop belongs to the step before the one that is drawn next."""
    number = scan.path_numbers(jnp.uint32(4096), 512)
    model = EchoWithJumps(channel=0, shift=0)
    walk = scan.Walk(EchoWithJumps, model.layout(0.0), False, random.key(3), number, model.coefficients(0.0))

    class Nobody:
        def step(self, seen, track):
            return seen

    @jax.jit
    def after(n_steps):
        begun = scan.begin(walk, State(*map(jnp.asarray, model.init(512))))
        place, _ = scan.many_steps(walk, begun, Nobody(), (), n_steps)
        return place.step, random.unpack(place.ahead.packed)

    step, carried = after(jnp.int32(9))
    assert int(step) > 9
    expected = [word for pair in range(3) for word in jax_words(3, 0, np.asarray(number), (int(step) - 1) * 64 + pair)]
    assert len(carried) == len(expected)
    np.testing.assert_array_equal(carried, expected)


def test_channels_do_not_overlap():
    """The last pair of channels of one step and the first of the next have neighbouring counters."""
    pairs = random.CHANNELS_PER_STEP // 2
    assert random.MAX_STEPS * pairs == 2**32
    path = np.zeros((1, 1), np.uint32)
    last = random.words(random.key(1), path, np.uint32(0), random.CHANNELS_PER_STEP)[-2:]
    np.testing.assert_array_equal(last, jax_words(1, 0, path, pairs - 1))
    first = draw(random.key(1), path, np.uint32(1), 2)
    np.testing.assert_array_equal(first, jax_words(1, 0, path, pairs))


def test_uniform_is_never_0_or_1():
    extreme = np.array([0, 1, 2**31 - 1, 2**31, ALL_ONES - 1, ALL_ONES], np.uint32)
    found = np.asarray(uniform(extreme))
    assert found.dtype == np.float32
    assert found[0] == np.float32(2.0**-33)
    assert np.all((found > 0) & (found < 1))
    assert np.all(np.diff(found) >= 0)


def test_uniform_keeps_its_digits_near_0():
    """Relative error of one float32 rounding, down to the smallest word; a lattice of 2^-24 would be far from it."""
    words = np.concatenate([np.arange(1 << 16), lattice(1 << 16)]).astype(np.uint32)
    np.testing.assert_allclose(np.asarray(uniform(words), float), uniform_of(words), rtol=1.3e-7)


def test_uniform_and_exponential_laws():
    """n = 2^17 paths of seed 5, one step; Kolmogorov-Smirnov at 1e-6, means to 5 standard errors (8e-4, 2.8e-3)."""
    path = np.arange(1 << 17, dtype=np.uint32)[None]
    first, second = (np.asarray(word)[0] for word in draw(random.key(5), path, np.uint32(0), 2))
    uniforms = np.asarray(uniform(first), float)
    assert stats.kstest(uniforms, "uniform").pvalue > 1e-6
    assert_mean(uniforms, 0.5)
    exponentials = np.asarray(jax.jit(random.exponential)(second), float)
    assert stats.kstest(exponentials, "expon").pvalue > 1e-6
    assert_mean(exponentials, 1)
    assert_rejected(assert_mean, exponentials * 1.02, 1)


@pytest.mark.parametrize("reached, tolerance", [(5.4, 3e-7), (5.6, 2.1e-6), (6.0, 6e-5), (6.4, 4e-4)])
def test_normal_far_in_the_tail(reached, tolerance):
    """Every word from 4 standard deviations to `reached` against the exact quantile.

    Giles's single-precision polynomial was fitted for float32 tails of 2^-24, which is 5.4 standard deviations. Beyond,
    where one draw in 15 million falls, it runs low by at most 0.0025 standard deviations.
    """
    words = np.arange(1 << 18, dtype=np.uint32)
    exact = normal_of(words)
    words, exact = words[(exact > 4) & (exact <= reached)], exact[(exact > 4) & (exact <= reached)]
    found = np.asarray(normal(words), float)
    np.testing.assert_allclose(found, exact, rtol=tolerance)
    assert np.all(np.diff(found) <= 0)
    np.testing.assert_array_equal(normal(words | np.uint32(2**31)), -found.astype(np.float32))


def test_normal_everywhere():
    """2^20 words spread over all: 3e-7 of the exact quantile, or 1e-7 near 0 where float32 holds 1 - tail to 6e-8."""
    words = lattice(1 << 20)
    np.testing.assert_allclose(np.asarray(normal(words), float), normal_of(words), rtol=3e-7, atol=1e-7)


def test_normal_moments_of_all_words():
    """An integral over a lattice of 2^22 words, not a sample: what is left out lies in the last word's tail."""
    found = np.asarray(normal(lattice(1 << 22)), float)
    assert found.mean() == pytest.approx(0, abs=1e-12)
    assert (found**2).mean() == pytest.approx(1, abs=1e-6)
    assert (found**4).mean() == pytest.approx(3, abs=1e-4)


def test_normal_law_of_drawn_words():
    """n = 2^17 of seed 6: Kolmogorov-Smirnov at 1e-6; mean and variance to 5 standard errors (2.8e-3, 3.9e-3)."""
    path = np.arange(1 << 17, dtype=np.uint32)[None]
    word, other = draw(random.key(6), path, np.uint32(0), 2)
    found = np.asarray(normal(word), float)[0]
    assert stats.kstest(found, "norm").pvalue > 1e-6
    assert_mean(found, 0)
    assert_mean(found**2, 1)
    assert_rejected(assert_mean, (1.02 * found) ** 2, 1)
    assert_mean(found * np.asarray(normal(other), float)[0], 0)  # the two words of a pair


@pytest.mark.parametrize("lag", [(1, 0), (0, 1), (1, 1)])
def test_neighbours_are_uncorrelated(lag):
    """Paths and steps next to each other: products of 2^17 normals of seed 8, standard error 2.8e-3."""
    path, step = np.arange(513, dtype=np.uint32)[:, None], np.arange(257, dtype=np.uint32)[None]
    word = threefry(random.key(8), tuple(np.broadcast_arrays(path, step * np.uint32(64))))[0]
    normals = np.asarray(normal(word), float)
    here, there = normals[:512, :256], normals[lag[0] :, lag[1] :][:512, :256]
    assert_mean(here * there, 0)
    assert_rejected(assert_mean, here * (there + 0.02 * here), 0)


def tail_counts(seed, levels, n_calls):
    """How many of 2^22 `n_calls` normals lie beyond each level on either side."""
    levels = [np.float32(level) for level in levels]
    path = jnp.arange(1 << 16, dtype=jnp.uint32)

    def count(turn, counts):
        def once(step, inner):
            pair = random.threefry2x32(random.key(seed), (path, jnp.broadcast_to(step.astype(jnp.uint32), path.shape)))
            sizes = jnp.abs(random.normal(jnp.stack(pair)))
            return inner + jnp.stack([(sizes > level).sum(dtype=jnp.int32) for level in levels])

        return jax.lax.fori_loop(turn * 32, (turn + 1) * 32, once, counts)

    count = jax.jit(count)
    total = jnp.zeros(len(levels), jnp.int32)
    for turn in range(n_calls):
        total = count(jnp.int32(turn), total)
    return np.asarray(total)


def check_tails(seed, n_calls):
    levels, n = np.array([4.0, 4.5, 5.0, 5.3]), n_calls << 22
    counts = tail_counts(seed, levels, n_calls)
    for level, count in zip(levels, counts, strict=True):
        assert_proportion(count, n, 2 * stats.norm.sf(level))
    return counts


def test_tail_frequencies():
    """n = 2^27 of seed 9: 77 beyond 5 expected with a standard error of 8.8, 8502 beyond 4 with 92.

    The twin: a lattice of 2^-23 stops at 5.3 standard deviations, and 2 % more volatility gives 8 % more beyond 4.
    """
    counts = check_tails(9, 32)
    n = 32 << 22
    assert counts[-1] > 0
    assert_rejected(assert_proportion, counts[0], n, 2 * stats.norm.sf(4.0 / 1.02))


@pytest.mark.slow
def test_tail_frequencies_of_many():
    """n = 2^32 of seed 10: 2462 beyond 5 expected, standard error 50; 497 beyond 5.3, standard error 22."""
    check_tails(10, 1024)


def test_normal_survival():
    """P(Z > z) of the normal that the same word makes: 1e-7 relative, small tails included, and never 1."""
    words = np.concatenate([np.arange(1 << 12), lattice(1 << 16), [ALL_ONES, 2**31, 2**31 - 1]]).astype(np.uint32)
    found = np.asarray(jax.jit(random.normal_survival)(words), float)
    np.testing.assert_allclose(found, stats.norm.sf(normal_of(words)), rtol=1.3e-7)
    assert np.all((found > 0) & (found < 1))


def test_antithetic_words_mirror_the_normal():
    words = lattice(1 << 12)
    mirrored = random.antithetic(words, np.arange(1 << 12) % 2 == 1)
    found, plain = np.asarray(normal(mirrored)), np.asarray(normal(words))
    np.testing.assert_array_equal(found[0::2], plain[0::2])
    np.testing.assert_array_equal(found[1::2], -plain[1::2])


def test_streams_and_seeds_are_independent():
    """Normals of equal counters under keys that differ in one bit: n = 2^17, standard error 2.8e-3."""
    path = np.arange(1 << 17, dtype=np.uint32)[None]
    keys = [random.key(1, 0), random.key(1, 1), random.key(3, 0)]
    normals = [np.asarray(normal(draw(key, path, np.uint32(0), 2)[0]), float) for key in keys]
    assert_mean(normals[0] * normals[1], 0)
    assert_mean(normals[0] * normals[2], 0)
