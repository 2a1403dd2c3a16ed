"""Mark and last beside the index by hand: where it triggers, where it fills, and the averages in between."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.venue_play import Step, account, book, event, follow, leg, one_account, parties

from stresslab.accounts.conditions import Basis, OwnBook
from stresslab.accounts.conditions import basis as law
from stresslab.accounts.conditions.own_book import OwnBookNumbers

TRIGGER = 0.9 / 0.95
LOW = np.exp(-0.01)  # last over index


def numbers(**given):
    condition = law.numbers(1e-4, 1.0, **({"now": -0.01, "mean": -0.01} | given))
    return book(account(0.1, leg()), conditions=(condition,))


def closed(mark, path, wanders=True, **given):
    """Parties after a path with a basis that stands at -1 %."""
    form = one_account(Basis(mark, wanders=wanders))
    words = (np.uint32(2**31),) if wanders else ()  # a normal of almost 0; the volatility is 0 anyway
    end = follow(form, numbers(**given), [Step((price,), words) for price in path])[-1]
    return event(end.codes.liquidation), parties(form, numbers(**given), end)


def expected(fill):
    fees = 0.011 * fill
    return 0.1 - (1 - fill) - fees, fees, 0, 1 - fill


@pytest.mark.parametrize(
    ("mark", "given", "factor"),
    [
        ("index", {}, 1.0),
        ("average", {}, LOW),
        ("average", {"clamp": 0.004}, 0.996),
        ("median", {"clamp": 0.004}, 0.996),  # index 1, average 0.996, last 0.990
        ("median", {"rate": 0.01, "clamp": 0.02}, LOW),  # 1.01, and twice last
        ("fair", {"rate": -0.004, "interval": 10**6}, 0.996),
    ],
)
def test_triggered_at_the_mark_and_filled_at_the_last_price(mark, given, factor):
    """Where index x factor is the trigger; sold at that index times last over index."""
    what, money = closed(mark, [TRIGGER / factor * 0.999], **given)
    assert what == (0, "diffusion")
    assert money == pytest.approx(expected(TRIGGER / factor * LOW), abs=1e-6 if mark == "fair" else 1e-13)


def test_a_step_before_its_trigger_nothing_happens():
    what, _ = closed("average", [TRIGGER / 0.996 * 1.001], clamp=0.004)
    assert what is None


def test_the_funding_still_to_come_falls_from_step_to_step():
    """rate 1 %, four steps of an interval, one of them over at as_of: 0.75, 0.5, 0.25, 1 of it."""
    form = one_account(Basis("fair", wanders=False))
    given = numbers(now=0.0, mean=0.0, rate=0.01, interval=4, passed=1)
    found = follow(form, given, [Step((1.0,))] * 4)
    left = [float(books.conditions[0].left) for books in found]
    assert left == [0.75, 0.5, 0.25, 1.0]


def test_an_oracle_that_lags_triggers_late_and_fills_where_the_price_is():
    """Exponential of one step: after a fall from 1 to x in a step the oracle is at x^(1 - lag), lag = 1 - 1/e."""
    form = one_account(Basis("oracle", wanders=False))
    given = numbers(now=0.0, mean=0.0, window=1e-4, smoothing="ema")
    first, second = follow(form, given, [Step((0.96,)), Step((0.93,))])
    lag = 1 - np.exp(-1)
    behind = 0.96**-lag  # oracle over index in the second step
    assert float(first.conditions[0].behind[0, 0]) == 0
    assert float(second.conditions[0].behind[0, 0]) == pytest.approx(np.log(behind))
    assert event(second.codes.liquidation) is None  # 0.93 lies below the trigger of 0.947, the oracle above
    third = follow(form, given, [Step((0.96,)), Step((0.90,))])[-1]
    assert parties(form, given, third) == pytest.approx(expected(TRIGGER / behind), abs=1e-13)


@pytest.mark.parametrize(
    ("smoothing", "steps"), [("ema", 0.1), ("ema", 1.0), ("ema", 5.0), ("mean", 0.5), ("mean", 1.0)]
)
def test_averages_are_those_of_a_basis_that_moves_in_a_straight_line(smoothing, steps):
    """Against 20,000 samples a step of a straight line 0 -> 1 -> 0.5; the rule of the midpoint leaves 1e-4."""
    given = law.numbers(1.0, 1.0, window=steps, smoothing=smoothing)
    ends, fine = [0.0, 1.0, 0.5], 20_000
    line = np.interp((np.arange(2 * fine) + 0.5) / fine, range(3), ends)
    behind = 0.0
    for before, now in zip(ends, ends[1:], strict=False):
        behind = behind * given.keep - (now - before) * given.lag
    if smoothing == "ema":
        average = 0.0
        for sample in line:
            average += (1 - np.exp(-1 / fine / steps)) * (sample - average)
    else:
        average = line[-round(steps * fine) :].mean()
    assert ends[-1] + behind == pytest.approx(average, abs=1e-4)
    assert ends[-1] + behind * 1.02 != pytest.approx(average, abs=1e-4)  # the twin


def test_the_basis_reverts_widens_with_the_variance_and_is_pulled_by_the_price():
    """50,000 paths of one step from 0.02; mean and deviation to 5 standard errors, and a twin each."""
    n, dt, speed, volatility, power, pull = 50_000, 1e-3, 300.0, 0.3, 0.5, 0.2
    given = law.numbers(dt, 0.5, now=0.02, speed=speed, volatility=volatility, power=power, pull=pull)
    words = np.random.default_rng(7).integers(0, 2**32, (1, n), dtype=np.uint32)
    condition, price = Basis("average"), jnp.full((1, n), 0.95)
    with jax.numpy_dtype_promotion("standard"):
        memory = condition.start(jax.tree.map(np.float32, given), jnp.ones((1, n)))
        memory = condition.step(
            given._replace(interval=jnp.int32(1)), memory, (jnp.asarray(words),), price, jnp.full((1, 1), 2.0), 3
        )
    mean = 0.02 * np.exp(-speed * dt) + pull * np.log(0.95)
    deviation = 4.0**power * volatility * np.sqrt((1 - np.exp(-2 * speed * dt)) / (2 * speed))
    found, error = np.asarray(memory.basis)[0].astype(float), deviation / np.sqrt(n)
    assert abs(found.mean() - mean) < 5 * error
    assert abs(found.mean() - (mean - 0.01 * pull)) > 5 * error
    assert abs(found.std() / deviation - 1) < 5 / np.sqrt(2 * n)
    assert abs(found.std() / (deviation * 1.03) - 1) > 5 / np.sqrt(2 * n)


def test_collateral_priced_off_the_venues_own_book():
    """Coin of 1 against a short of 0.5: discount min(0.35, 0.2 (4 - 1)) = 0.35 at four times the variance.

    Margin 0.65 + 0.5 (1 - p) against 0.025 p; at p = 2.2: 0.05 against 0.055. Wealth keeps the coin at 1.
    """
    form = one_account(OwnBook(asset=1), collaterals=(1,))
    condition = OwnBookNumbers(*map(np.array, (0.0, 0.2, 1.0, 1.0, 0.35)))
    own = account(0.0, leg(-0.5, fee=0.0, liquidation_fee=0.0), collaterals=((1.0, 1.0),))
    given = book(own, conditions=(condition,))
    calm = follow(form, given, [Step(([(2.2, 1.0)],))], n_assets=2)[-1]
    assert event(calm.codes.liquidation) is None  # 1 - 0.6 = 0.4 stands against 0.055
    end = follow(form, given, [Step(([(2.2, 1.0)],), variance=4.0)], n_assets=2)[-1]
    assert event(end.codes.liquidation) == (0, "collateral")
    # 0.6 is owed, and paid with 0.6 / 0.65 of the coin at the venue's own price
    assert float(end.accounts[0].collaterals[0][0, 0]) == pytest.approx(1 - 0.6 / 0.65)
    assert parties(form, given, end).trader == pytest.approx(1 - 0.6 / 0.65)
    assert parties(form, given, end).others == pytest.approx(0.0, abs=1e-14)
