"""Marks and bands of the compiled loop against the venues' own formulas in `stresslab.venues`, on random prices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stresslab.accounts import bounds
from stresslab.accounts.conditions import Basis, PriceBand, together
from stresslab.accounts.conditions import basis as law
from stresslab.accounts.conditions.basis import Wandering
from stresslab.accounts.conditions.price_band import BandNumbers
from stresslab.venues import bands, mark

N = 2_000
RNG = np.random.default_rng(23)
INDEX, BASIS, BEHIND = 1 + 0.1 * RNG.standard_normal(N), *(0.01 * RNG.standard_normal((2, N)))
LAST = INDEX * np.exp(BASIS)
CLAMP, RATE, LEFT = 0.012, 0.004, 0.6


def effect_of(kind):
    """The effect of a basis that stands there."""
    given = law.numbers(1e-4, 1.0, clamp=CLAMP, rate=RATE)
    memory = Wandering(jnp.array(BASIS[None]), jnp.array(BEHIND[None]), jnp.zeros((1, N)), jnp.array(LEFT))
    return Basis(kind).effect(given, memory)


@pytest.mark.parametrize("kind", ["average", "median", "fair"])
def test_the_mark_is_that_of_the_venue(kind):
    fair = mark.fair_price(INDEX, RATE, LEFT * 28_800, 28_800)
    average = mark.index_plus_average(INDEX, INDEX * np.expm1(BASIS + BEHIND), CLAMP)
    expected = {"average": average, "median": mark.median_of_three(fair, average, LAST), "fair": fair}[kind]
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        (factor,) = effect_of(kind).mark
        (last,) = effect_of(kind).last
        np.testing.assert_allclose(INDEX * np.asarray(factor.value)[0], expected, rtol=1e-14)
        np.testing.assert_allclose(INDEX * np.asarray(last.value)[0], LAST, rtol=1e-14)


@pytest.mark.parametrize("reference", ["mark", "index", "premium"])
def test_the_band_is_that_of_the_venue(reference):
    """Inside: where both a buy and a sell at the last price are accepted."""
    up, down, hard = 0.011, 0.009, 0.017
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        prices = effect_of("average")
        condition = PriceBand(reference)
        whole = together(
            [prices, condition.effect(BandNumbers(np.array(up), np.array(down), np.int32(0), np.array(hard)), ())]
        )
        inside = np.asarray(bounds.is_inside(whole, 0, jnp.array(LAST[None])))[0]
        marks = INDEX * np.asarray(prices.mark[0].value)[0]
    band = {
        "mark": bands.around(marks, up, down),
        "index": bands.around(INDEX, up, down),
        "premium": _premium_band(up, down, hard),
    }[reference]
    expected = bands.accepts("long", LAST, band) & bands.accepts("short", LAST, band)
    np.testing.assert_array_equal(inside, expected)
    assert 50 < inside.sum() < N - 50


def _premium_band(up, down, hard):
    """OKX has one width for both sides."""
    buys, sells = (bands.index_band(INDEX, LAST - INDEX, y, hard) for y in (up, down))
    return bands.Band(sells.low, buys.high)


def test_an_order_in_part_goes_as_far_as_the_worst_fill():
    """Linear impact of 3 %: the part that is filled ends where the venue's bound is."""
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        whole = PriceBand("index", in_part=True).effect(BandNumbers(np.array(0.02), np.array(0.02)), ())
        price = jnp.array(INDEX[None])
        part = np.asarray(bounds.share(whole, 0, -jnp.ones((1, N)), price, price * 0.97))[0]
    reached = INDEX * (1 - 0.03 * part)
    np.testing.assert_allclose(reached, bands.worst_fill("short", INDEX * 0.97, bands.around(INDEX, 0.02)), rtol=1e-13)
