"""Funding and basis as processes, and models of several assets, in a study."""

import json

import numpy as np
import pytest
import yaml
from helpers.studies import small, small_dict

from stresslab.config import expand, study_from_dict, study_schema
from stresslab.config.market_model import market_model
from stresslab.config.processes import BASES, FUNDINGS, MeanRevertingFunding
from stresslab.errors import InputError
from stresslab.grid.plan import make_plan
from stresslab.models.basis import Basis
from stresslab.models.joint import Joint
from stresslab.models.one_asset import OneAsset
from stresslab.shipped import config_root

REVERTING = {"kind": "mean_reverting", "rate": 1e-4, "mean": 2e-4, "half_life": "1D", "volatility": 0.01}
BASIS = {"kind": "mean_reverting", "volatility": 0.05, "half_life": "4h", "correlation": -0.3}
RATES = [1e-4, -2e-4, 3e-4, 4e-4, -5e-4, 6e-4, 7e-4, 8e-4, 9e-4, 1e-3]
JOINT = {
    "gbm": {"kind": "gbm", "sigma": 0.8},
    "eth": {"kind": "gbm", "sigma": 1.1},
    "both": {"kind": "joint", "assets": {"BTC": "gbm", "ETH": "eth"}, "correlation": 0.8},
}


def record(folder, first="2025-01-01T00:00:00", rates=RATES, exchanges=("",)):
    """A file of rates every 8 hours; more than one exchange by turns."""
    stamps = np.datetime64(first) + np.arange(len(rates)) * np.timedelta64(8, "h")
    rows = [
        f"{stamp}Z,{rate}" + (f",{name}" if name else "")
        for stamp, rate in zip(stamps, rates, strict=True)
        for name in exchanges
    ]
    head = "timestamp,funding_rate" + (",exchange" if exchanges[0] else "")
    (folder / "rates.csv").write_text("\n".join([head, *rows]) + "\n")


def paid(study):
    segments = make_plan(study).markets[0].schedule.segments
    return segments.funding_rate[np.isin(np.cumsum(segments.steps), np.arange(8, 73, 8))]


class TestReplay:
    REPLAY = {"kind": "replay", "file": "rates.csv"}

    def test_the_rates_of_the_record(self, tmp_path):
        """as_of is 2025-01-01: its own payment is past, nine follow in three days."""
        record(tmp_path)
        study = study_from_dict({**small_dict(tmp_path), "funding": self.REPLAY}, tmp_path)
        np.testing.assert_allclose(paid(study), RATES[1:], rtol=1e-6)
        assert make_plan(study).ladders[0].arguments.funding == (), "known rates cost nothing new"
        assert study.sources["rates.csv"] == study.resolved()["recorded"]

    def test_another_time_is_laid_on_as_of(self, tmp_path):
        record(tmp_path, first="2020-03-11T16:00:00")
        replay = {**self.REPLAY, "start": "2020-03-11T16:00:00Z"}
        study = study_from_dict({**small_dict(tmp_path), "funding": replay}, tmp_path)
        np.testing.assert_allclose(paid(study), RATES[1:], rtol=1e-6)

    def test_one_exchange_of_several(self, tmp_path):
        record(tmp_path, exchanges=("binance", "bybit"))
        given = {**small_dict(tmp_path), "funding": {**self.REPLAY, "exchange": "bybit"}}
        np.testing.assert_allclose(paid(study_from_dict(given, tmp_path)), RATES[1:], rtol=1e-6)
        with pytest.raises(InputError, match="exchange: name one exchange. It has binance, bybit"):
            study_from_dict({**given, "funding": self.REPLAY}, tmp_path)

    def test_refusals(self, tmp_path):
        given = {**small_dict(tmp_path), "funding": self.REPLAY}
        with pytest.raises(InputError, match="funding.file = 'rates.csv': there is no such funding file"):
            study_from_dict(given, tmp_path)
        record(tmp_path, rates=RATES[:6])
        with pytest.raises(InputError, match="ends at 2025-01-02T16:00:00Z, 8h or more before"):
            study_from_dict(given, tmp_path)
        record(tmp_path, rates=[0.1, 2.0])
        with pytest.raises(InputError, match=r"funding_rate = '2.0 \(row 3\)': .* between -1 and 1"):
            study_from_dict(given, tmp_path)


class TestMeanReverting:
    def test_speed_by_either_name(self, tmp_path):
        by_half_life = MeanRevertingFunding(**REVERTING)
        assert by_half_life.reversion == pytest.approx(365 * np.log(2))
        for wrong in ({"speed": 100.0}, {"half_life": None}):
            with pytest.raises(InputError, match="exactly one of speed and half_life"):
                study_from_dict({**small_dict(tmp_path), "funding": {**REVERTING, **wrong}}, tmp_path)

    @pytest.mark.parametrize(
        "field, values", [("rate", [0.0, 1e-3]), ("mean", [0.0, 1e-3]), ("half_life", ["8h", "2D"])]
    )
    def test_swept(self, tmp_path, field, values):
        changes = {"funding": None, "sweep": {f"funding.{field}": values}}
        study = study_from_dict({**small_dict(tmp_path, changes), "funding": REVERTING, **BOOK}, tmp_path)
        cells = [cell.study.funding for cell in expand(study)]
        assert [getattr(funding, field) for funding in cells] == values
        assert len(make_plan(study).markets) == 2

    @pytest.mark.parametrize("asset", ["btc", "eth"])
    def test_shipped_figures(self, tmp_path, asset):
        """By file, tonight's rate set; the figures say where they are from."""
        funding = {"file": f"funding/{asset}.yaml", "set": {"rate": 5e-4}}
        study = study_from_dict({**small_dict(tmp_path), "funding": funding}, tmp_path)
        assert study.funding.rate == 5e-4
        assert 5e-5 < study.funding.mean < 3e-4
        fitted = yaml.safe_load((config_root() / "funding" / f"{asset}.yaml").read_text())["fitted"]
        assert fitted["payments"] > 4000
        assert "Binance" in fitted["source"]
        with pytest.raises(InputError, match="funding.set.raet = 0.0: .*no such key"):
            study_from_dict({**small_dict(tmp_path), "funding": {**funding, "set": {"raet": 0.0}}}, tmp_path)

    def test_in_the_resolved_study(self, tmp_path):
        study = study_from_dict({**small_dict(tmp_path), "funding": REVERTING}, tmp_path)
        assert json.loads(json.dumps(study.resolved()))["funding"]["mean"] == 2e-4
        assert study.hash != small(tmp_path).hash


BOOK = {"book": {"rulebook": "venue.yaml", "collateral": 10_000.0, "leverage": 5.0, "side": "long"}}


class TestBasis:
    def test_put_on_the_index(self, tmp_path):
        model = market_model(study_from_dict({**small_dict(tmp_path), "basis": BASIS}, tmp_path))
        assert isinstance(model, Basis)
        assert (model.speed, model.correlation) == (pytest.approx(np.log(2) * 365 * 6), -0.3)

    def test_a_constant_one_moves_nothing(self, tmp_path):
        study = study_from_dict({**small_dict(tmp_path), "basis": {"kind": "constant", "basis": 1e-3}}, tmp_path)
        assert market_model(study) == study.model

    def test_swept(self, tmp_path):
        given = {**small_dict(tmp_path, {"sweep": {"basis.volatility": [0.01, 0.05]}}), "basis": BASIS, **BOOK}
        assert len(make_plan(study_from_dict(given, tmp_path)).markets) == 2

    def test_refusals(self, tmp_path):
        for wrong, rule in (({"kind": "fixed"}, "no such kind"), ({**BASIS, "correlation": 1.0}, "basis.correlation")):
            with pytest.raises(InputError, match=rule):
                study_from_dict({**small_dict(tmp_path), "basis": wrong}, tmp_path)


class TestJoint:
    def given(self, tmp_path, **market):
        changes = {"models": JOINT, "market": {"model": "both", **market}}
        return small_dict(tmp_path, changes)

    def test_market_asset_picks_one(self, tmp_path):
        study = study_from_dict(self.given(tmp_path, asset="ETH"), tmp_path)
        assert isinstance(study.model, Joint)
        model = market_model(study)
        assert isinstance(model, OneAsset)
        assert model.layout(1e-4).assets == 1
        with pytest.raises(InputError, match="market.asset = 'SOL': is no asset of the joint model. .*BTC, ETH"):
            study_from_dict(self.given(tmp_path, asset="SOL"), tmp_path)

    def test_swept_through_its_parts(self, tmp_path):
        """A part's numbers reach the joint model; its own are swept by its name."""
        sweep = {"models.eth.sigma": [0.9, 1.3], "models.both.correlation": [0.5, 0.9]}
        given = {**self.given(tmp_path, asset="ETH"), "sweep": sweep, **BOOK}
        cells = [cell.study.model for cell in expand(study_from_dict(given, tmp_path))]
        assert [(model.assets["ETH"].sigma, model.correlation) for model in cells] == [
            (0.9, 0.5), (0.9, 0.9), (1.3, 0.5), (1.3, 0.9),
        ]  # fmt: skip

    def test_refusals(self, tmp_path):
        for change, rule in (
            ({"assets": {"BTC": "gbm", "ETH": "eht"}}, "assets.ETH = 'eht': is no name under models"),
            ({"correlation": 1.0}, "between -1 and 1"),
            ({"corelation": 0.5}, "no such key"),
        ):
            given = self.given(tmp_path)
            given["models"] = {**given["models"], "both": {**JOINT["both"], **change}}
            with pytest.raises(InputError, match=rule) as refusal:
                study_from_dict(given, tmp_path)
            assert "models.both" in str(refusal.value)

    def test_in_the_resolved_study(self, tmp_path):
        whole = study_from_dict(self.given(tmp_path), tmp_path).resolved()
        assert whole["joints"]["both"]["assets"] == {"BTC": "gbm", "ETH": "eth"}


def test_the_schema_knows_every_kind():
    text = json.dumps(study_schema())
    for kind in (*FUNDINGS, *BASES, "joint", "gap", "volatility", "jump_intensity", "correlation", "funding"):
        assert f'"const": "{kind}"' in text, kind
