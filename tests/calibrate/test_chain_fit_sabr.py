"""SABR from an option chain: Hagan's formula fitted to one expiry."""

import numpy as np
import pytest
from calibrate.option_chains import quotes, write, years

from stresslab.calibrate import CHAIN_FITS, read_chain
from stresslab.models.sabr import hagan_volatility

ALPHA, RHO, NU = 0.6, -0.3, 1.8
DERIBIT = "data/options_deribit_snapshot_nolicence/deribit_chain_20260116T153325Z.csv.gz"


def smile(t, k):
    return hagan_volatility(1.0, k, t, ALPHA, 1.0, RHO, NU)


@pytest.fixture
def chain(tmp_path):
    return lambda **options: read_chain(write(quotes(smile, noise=0.003, strikes=21, **options), tmp_path))


def test_round_trip(chain):
    """42 quotes with noise of 0.3 points, seed 1: within 3 standard errors; the twin, a fifth off, is not."""
    fit = CHAIN_FITS["sabr"](chain(days=(28,)))
    assert fit.parameters["beta"] == 1.0 and fit.fixed == ("beta",)
    for name, truth in (("alpha", ALPHA), ("rho", RHO), ("nu", NU)):
        found, error = fit.parameters[name], fit.standard_errors[name]
        assert abs(found - truth) < 3 * error < 0.15 * abs(truth)
        assert abs(found - 1.2 * truth) > 3 * error
    assert f"nu^2 t is {fit.parameters['nu'] ** 2 * years(28):.2f}" in fit.method


def test_the_expiry_nearest_to_30_days_is_taken(chain):
    fit = CHAIN_FITS["sabr"](chain(days=(2, 24, 91)))
    assert len(fit.smiles) == 1
    assert fit.smiles[0].strikes.size == 42
    assert "24.0 days" in fit.method


@pytest.mark.parametrize(("currency", "worst"), [("BTC", 0.005), ("ETH", 0.015)])
def test_the_venue_snapshot(shared, currency, worst):
    """0.3 and 1.2 volatility points on the smile of 21 days."""
    fit = CHAIN_FITS["sabr"](read_chain(shared / DERIBIT, currency=currency))
    assert fit.smiles[0].rmse < worst
    assert -0.4 < fit.parameters["rho"] < 0 and 1.5 < fit.parameters["nu"] < 3.5
    assert np.isclose(fit.parameters["alpha"], fit.smiles[0].market.min(), atol=0.03)


def test_an_expiry_decades_away_is_fitted(tmp_path):
    """The search for nu lies about 1 / sqrt(t), whatever t is; the smile has no noise."""

    def far(t, k):
        return hagan_volatility(1.0, k, t, 0.3, 1.0, RHO, 0.1)

    table = quotes(far, days=(20 * 365,), strikes=21, reach=1.0)
    fit = CHAIN_FITS["sabr"](read_chain(write(table, tmp_path)))
    assert (fit.parameters["alpha"], fit.parameters["nu"]) == (
        pytest.approx(0.3, rel=1e-3),
        pytest.approx(0.1, rel=0.02),
    )
