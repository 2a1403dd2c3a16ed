"""Editions: the rules in force at a moment, from the file of a rulebook with its history."""

import json
from datetime import UTC, datetime

import pytest
import yaml

from stresslab import venues
from stresslab.config import study_from_dict
from stresslab.config.doubts import of_editions
from stresslab.errors import InputError
from stresslab.grid.plan import make_plan
from stresslab.shipped import config_root
from stresslab.venues.editions import end_of, in_force, outside

BTC = "binance_usdm/BTCUSDT"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# the requirement of 250,000 and 2,000,000 USDT and the largest leverage of 60,000, by hand from the tables
BY_HAND = {
    "2021": (250_000 * 0.005 - 50, 2_000_000 * 0.025 - 16_300, 100),
    "2024-10-24": (250_000 * 0.005 - 50, 2_000_000 * 0.0065 - 950, 100),
    "2025-06": (250_000 * 0.004, 2_000_000 * 0.0065 - 1_500, 125),
    "2025-08-19": (250_000 * 0.004, 2_000_000 * 0.0065 - 1_500, 150),
}


@pytest.mark.parametrize("date", BY_HAND)
def test_the_edition_of_a_date(date: str) -> None:
    book = venues.load(f"{BTC}@{date}")
    small, large, leverage = BY_HAND[date]
    assert float(book.maintenance_margin(250_000.0)) == pytest.approx(small, rel=1e-12)
    assert float(book.maintenance_margin(2_000_000.0)) == pytest.approx(large, rel=1e-12)
    assert float(book.max_leverage(60_000.0)) == pytest.approx(leverage)


@pytest.mark.parametrize(
    "moment, edition",
    [
        ("2019-01-01", "2021-03-26"),
        ("2021-05-19", "2021-03-26"),
        ("2024-07-31", "2021-03-26"),
        ("2024-08-05", "2024-08-01"),
        ("2025-06-18", "2024-08-01"),
        ("2025-07-01", "2025-06-19"),
        ("2025-08-19T06:29", "2025-06-19"),
        ("2025-08-19T06:30", "2025-08-19T06:30Z"),
        ("2025-10-10T21:15", "2025-08-19T06:30Z"),
        ("2026-11-30", "2025-08-19T06:30Z"),
    ],
)
def test_the_edition_in_force(moment: str, edition: str) -> None:
    assert venues.load(BTC, at=at(moment)).edition == edition
    assert in_force(venues.history(BTC), at(moment)).edition == edition


@pytest.mark.parametrize(
    "moment, words",
    [
        ("2024-07-31", "last seen in force on 2021-03-26, 1223 days before"),
        ("2019-01-01", "known from 2021-03-26 on, 815 days later"),
        ("2026-11-30", "last seen in force on 2026-09-29, 62 days before"),
        ("2026-09-29T23:00", None),
        ("2025-06-15", "last seen in force on 2025-06-12, 3 days before"),
        ("2025-01-01", None),
        ("2026-09-30T01:00", "last seen in force on 2026-09-29, 1 day before"),
        ("2021-03-25T22:00", "known from 2021-03-26 on, 1 day later"),
    ],
)
def test_a_moment_outside_every_span_is_put_into_words(moment: str, words: str | None) -> None:
    found = outside(venues.load(BTC, at=at(moment)), at(moment))
    assert found is None if words is None else found is not None and words in found


def study(as_of: str, rulebook: str = BTC, **more: object):
    return study_from_dict(
        {
            "study": "dated",
            "as_of": as_of,
            "seed": 1,
            "market": {"asset": "BTC", "spot": 60_000.0, "model": "gbm", "step": "1h", "horizons": ["1D"]},
            "models": {"gbm": {"kind": "gbm", "sigma": 0.5}},
            "book": {"rulebook": rulebook, "side": "long", "collateral": 10_000, "leverage": 5},
            "sampling": {"paths": 256, "block": 256},
            **more,
        }
    )


def test_a_study_takes_the_edition_of_its_date_and_doubts_one_that_is_not_known_to_hold() -> None:
    assert study("2025-01-01T00:00:00Z").rulebook().edition == "2024-08-01"
    assert list(of_editions(study("2025-01-01T00:00:00Z"))) == []
    (doubt,) = of_editions(study("2026-11-30T00:00:00Z"))
    assert "2025-08-19T06:30Z is taken at as_of 2026-11-30T00:00:00Z: its rules were last seen" in doubt.text
    named = study("2026-11-30T00:00:00Z", f"{BTC}@2024")
    assert named.rulebook().edition == "2024-08-01"
    assert list(of_editions(named)) == []


def test_a_swept_date_takes_the_edition_of_each() -> None:
    plan = make_plan(study("2025-01-01T00:00:00Z", sweep={"as_of": ["2025-01-01T00:00:00Z", "2025-10-10T00:00:00Z"]}))
    assert [book.rulebook.edition for book in plan.books] == ["2024-08-01", "2025-08-19T06:30Z"]
    assert set(plan.study.rulebooks) == {BTC, f"{BTC}@2025-08-19T06:30Z"}


def test_two_editions_are_swept_against_each_other() -> None:
    names = [f"{BTC}@2021", f"{BTC}@2025-08-19"]
    plan = make_plan(study("2025-01-01T00:00:00Z", names[0], sweep={"book.rulebook": names}))
    assert [book.rulebook.edition for book in plan.books] == ["2021-03-26", "2025-08-19T06:30Z"]
    assert set(plan.study.rulebooks) == {f"{BTC}@2021-03-26", f"{BTC}@2025-08-19T06:30Z"}


def test_one_edition_under_two_dates_is_one() -> None:
    both = [f"{BTC}@2025-09", f"{BTC}@2026"]
    assert study("2025-01-01T00:00:00Z", both[0]).hash == study("2025-01-01T00:00:00Z", both[1]).hash
    with pytest.raises(
        InputError, match="sweep.book.rulebook = 'binance_usdm/BTCUSDT@2025-08-19T06:30Z': is given twi"
    ):
        study("2025-01-01T00:00:00Z", both[0], sweep={"book.rulebook": both})


def test_the_resolved_study_says_which_edition_ran() -> None:
    assert study("2025-01-01T00:00:00Z").resolved()["editions"] == {BTC: "2024-08-01"}


def test_a_study_by_a_former_id_is_the_same_study() -> None:
    former = study("2021-05-19T12:41:00Z", "binance_usdm_2021/BTCUSDT")
    assert former.hash == study("2021-05-19T12:41:00Z", f"{BTC}@2021").hash
    assert former.book.rulebook == f"{BTC}@2021-03-26" and list(of_editions(former)) == []


@pytest.mark.parametrize("name", ["BTCUSDT", "ETHUSDT"])
def test_former_ids_name_their_edition(name: str) -> None:
    old = venues.load(f"binance_usdm_2021/{name}")
    assert old.id == f"binance_usdm/{name}" and old.edition.startswith("2021")
    assert f"binance_usdm_2021/{name}" not in venues.available()


@pytest.mark.parametrize(
    "text, moment",
    [("2021", "2022-01-01"), ("2024-02", "2024-03-01"), ("2024-12", "2025-01-01"), ("2024-02-29", "2024-03-01")],
)
def test_a_date_stands_for_its_end(text: str, moment: str) -> None:
    assert (at(moment) - end_of(text)).total_seconds() == pytest.approx(1e-6)


def test_a_time_is_itself() -> None:
    assert end_of("2025-08-19T06:29") == at("2025-08-19T06:29")


@pytest.mark.parametrize("date", ["2019", "soon", "2025-13", "2025-02-30", ""])
def test_a_date_without_an_edition_is_refused(date: str) -> None:
    there = "the editions begin on 2021-03-26, 2024-08-01, 2025-06-19, 2025-08-19T06:30Z"
    with pytest.raises(InputError, match=f"got '{BTC}@{date}': .*{there}"):
        venues.load(f"{BTC}@{date}")
    with pytest.raises(InputError, match=f"book.rulebook = '{BTC}@{date}': is (no date|before)"):
        study("2025-01-01T00:00:00Z", f"{BTC}@{date}")


@pytest.fixture
def own(tmp_path):
    """A file of one's own with the shipped file's newest edition and these older ones."""

    def write(*earlier: object):
        data = yaml.safe_load((config_root() / "venues" / f"{BTC}.yaml").read_text())
        data |= {"id": "own/BTCUSDT", "valid_from": "2025-01-01", "last_seen": "2025-06-01", "earlier": list(earlier)}
        path = tmp_path / "own.yaml"
        path.write_text(json.dumps(data))
        return path

    return write


def older(begins: str, ends: str, **more: object) -> dict[str, object]:
    return {"valid_from": begins, "last_seen": ends, "source": "made up", "confidence": "none", **more}


def test_what_an_older_edition_does_not_give_is_as_in_the_newest(own) -> None:
    path = own(older("2024-01-01", "2024-06-01", fees={"taker": 0.0007}))
    first, second = venues.history(path)
    assert (first.fees.taker, second.fees.taker) == (0.0007, 0.0005)
    assert first.fees.maker == second.fees.maker and first.requirement == second.requirement
    assert venues.load(f"{path}@2024") == first
    assert venues.load(path) == second


@pytest.mark.parametrize(
    "earlier, words",
    [
        ([older("2025-02-01", "2025-02-01")], r"earlier\[0\].valid_from = '2025-02-01': must be before 2025-01-01"),
        ([older("2024-01-01", "2025-03-01")], r"earlier\[0\].last_seen = .*must not be after 2025-01-01"),
        ([older("2024-01-01", "2023-01-01")], r"earlier\[0\].last_seen = .*must not be before valid_from"),
        ([older("2023-01-01", "2023-01-01"), older("2024-01-01", "2024-01-01")], r"earlier\[1\].valid_from"),
        ([older("2024-01-01", "2024-01-01", fee={"taker": 0.1})], r"earlier\[0\].fee: there is no such key"),
        ([older("2024-01-01", "2024-01-01", fees={"taker": 7})], r"earlier\[0\].fees.taker = 7"),
        ([{"valid_from": "2024-01-01"}], r"earlier\[0\].last_seen: every edition gives it"),
        (["2024-01-01"], r"earlier = .*must be a list of editions"),
        ([older("2025-01-01", "2025-01-01")], r"earlier\[0\].valid_from = '2025-01-01': must be before 2025-01-01"),
        ([older("2024-01-01", "2024-02-01", id="own/ETHUSDT")], r"earlier\[0\].id = 'own/ETHUSDT': .*Remove id"),
        ([older("2024-01-01", "2024-02-01", as_of="2024-01-01")], r"earlier\[0\].as_of = .*Remove as_of"),
        ([older("2024-01-01", "2024-02-01", earlier=[])], r"earlier\[0\].earlier: there is no such key"),
        (
            [older("2024-06-01", "2024-06-02"), older("2024-01-01", "2024-02-01", requirement={"compare": "gt"})],
            r"earlier\[1\].requirement.compare = 'gt': must be 'le' or 'lt'",
        ),
    ],
)
def test_a_wrong_history_is_refused_by_place(own, earlier, words: str) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        venues.history(own(*earlier))
    assert "own.yaml" in str(refusal.value)


@pytest.mark.parametrize("name", ["BTCUSDT", "ETHUSDT", "BTCUSDT@2025-06", "ETHUSDT@2025-06"])
def test_the_tables_are_those_that_were_collected(shared, name: str) -> None:
    collected = json.loads((shared / "venues" / "tiers_2026.json").read_text())["tiers"]
    wanted = next(one for one in collected if one["id"] == f"binance_usdm/{name}")["tiers"]
    found = venues.load(f"binance_usdm/{name}").requirement.tiers
    assert [(t.floor, t.cap, t.mmr, t.max_leverage, t.cum) for t in found] == [
        (t["notional_from"], t["notional_to"], t["mmr"], t["max_leverage"], t["deduction"]) for t in wanted
    ]


@pytest.mark.parametrize("moment", [datetime(2025, 10, 10), datetime(2025, 10, 10, tzinfo=UTC).date()])
def test_a_time_without_a_zone_is_in_utc(moment: object) -> None:
    assert venues.load(BTC, at=moment).edition == "2025-08-19T06:30Z"


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(InputError, match="at = '2025': must be a time. Give a datetime"):
        venues.load(BTC, at="2025")


def test_a_folder_and_a_file_may_have_an_at_in_their_names(own, tmp_path) -> None:
    text = own(older("2024-01-01", "2024-06-01")).read_text()
    for place in ("me@work/own.yaml", "own@home.yaml"):
        path = tmp_path / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        assert venues.load(path).edition == "2025-01-01"
        assert venues.load(f"{path}@2024-03").edition == "2024-01-01"


def test_as_of_alone_is_one_day_and_goes_with_earlier_editions(own) -> None:
    path = own(older("2024-01-01", "2024-06-01"))
    data = json.loads(path.read_text())
    kept = {key: value for key, value in data.items() if key not in ("valid_from", "last_seen")}
    path.write_text(json.dumps(kept | {"as_of": "2025-02-01"}))
    first, second = venues.history(path)
    assert (first.edition, second.edition, str(second.as_of)) == ("2024-01-01", "2025-02-01", "2025-02-01")
    path.write_text(json.dumps(data | {"as_of": "2025-02-01"}))
    with pytest.raises(InputError, match=r"as_of = '2025-02-01': stands for .*valid_from is given too. Give as_of"):
        venues.load(path)


def test_editions_within_a_minute_have_names_of_their_own(own) -> None:
    path = own(older("2024-01-01T06:30:00Z", "2024-01-01T06:30:10Z"), older("2024-01-01", "2024-01-01T06:29:00Z"))
    data = json.loads(path.read_text()) | {"valid_from": "2024-01-01T06:30:20Z"}
    path.write_text(json.dumps(data))
    names = [one.edition for one in venues.history(path)]
    assert names == ["2024-01-01", "2024-01-01T06:30Z", "2024-01-01T06:30:20Z"]
    assert [venues.load(f"{path}@{name}").edition for name in names[1:]] == names[1:]


@pytest.mark.parametrize(
    "as_of, edition, doubtful",
    [
        ("2019-01-01", "2021-03-26", True),
        ("2021-03-26", "2021-03-26", False),
        ("2021-05-19", "2021-03-26", True),  # seen on one day of March alone
        ("2024-11-15", "2024-08-01", False),
        ("2025-07-15", "2025-06-19", False),
        ("2025-10-10", "2025-08-19T06:30Z", False),
        ("2026-09-15", "2025-08-19T06:30Z", False),
        ("2026-11-30", "2025-08-19T06:30Z", True),
    ],
)
def test_a_study_of_each_time(as_of: str, edition: str, doubtful: bool) -> None:
    dated = study(f"{as_of}T00:00:00Z")
    assert dated.rulebook().edition == edition
    assert bool(list(of_editions(dated))) == doubtful


def test_a_doubt_is_told_once_for_each_rulebook_and_edition() -> None:
    """Two rulebooks with the same dates are two doubts, a hundred swept dates beyond one edition are one."""
    books = ["hyperliquid/BTC", "hyperliquid/SOL"]
    dates = [f"2026-11-{day:02d}T00:00:00Z" for day in range(1, 31)]
    book = {"rulebook": books[0], "stand_in": True, "side": "long", "collateral": 10_000, "leverage": 5}
    plan = make_plan(study(dates[0], book=book, sweep={"book.rulebook": books, "as_of": dates}))
    told = [doubt.text for doubt in plan.doubts if doubt.name == "edition"]
    assert len(told) == 2
    for name, text in zip(books, told, strict=True):
        assert f"'{name}': the edition of 2025-01-01 is taken at as_of 2026-11-01T00:00:00Z" in text
        assert "2026-09-25, 37 days before. Compare with the venue's page, or choose it yourself: @2025-01-01" in text


@pytest.mark.parametrize(
    "moment, rate, step, known",
    [
        ("2019-08-01", 0.005, 100, True),
        ("2020-03-12", 0.005, 100, True),
        ("2020-04-15", 0.0045, 100, True),
        ("2020-05-05", 0.004, 100, True),
        ("2021-05-19", 0.004, 100, False),
        ("2021-08-31", 0.004, 150, True),
        ("2022-11-09", 0.004, 150, False),
        ("2024-11-24", 0.005, 150, True),
        ("2025-10-10", 0.005, 150, False),
    ],
)
def test_bitmexs_base_rate_and_risk_step(moment: str, rate: float, step: float, known: bool) -> None:
    """By its announcements of 2020-05-05 and 2021-08-31 and the instrument of 2024-11-24; between them a doubt."""
    book = venues.load("bitmex/XBTUSD", at=at(moment))
    assert book.requirement.tiers[0].mmr == rate
    assert book.requirement.open_ended is not None and book.requirement.open_ended.step == step
    assert (outside(book, at(moment)) is None) == known


def test_hyperliquids_ether_had_fifty_times_in_2024() -> None:
    """1 % of 1,000,000 by the position of 2024-01-03, 2 % since; the table of today holds on 2025-10-10."""
    old, new = (venues.load("hyperliquid/ETH", at=at(day)) for day in ("2024-01-03", "2025-10-10"))
    assert [float(book.maintenance_margin(1e6)) for book in (old, new)] == [10_000.0, 20_000.0]
    assert [float(book.max_leverage(1e6)) for book in (old, new)] == [50.0, 25.0]
    assert outside(new, at("2025-10-10")) is None
    for coin in ("BTC", "SOL"):
        assert outside(venues.load(f"hyperliquid/{coin}"), at("2025-10-10")) is None
