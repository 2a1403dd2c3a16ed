import pytest

from stresslab.assets import canonical, multiple, same_asset


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("XBT", "BTC"),
        ("btc", "BTC"),
        ("WBTC", "XBT"),
        ("WETH", "ETH"),
        ("1000PEPE", "PEPE"),
        ("1000000MOG", "MOG"),
        ("1MBABYDOGE", "BABYDOGE"),
        ("kSHIB", "1000SHIB"),
        ("SHIB1000", "1000SHIB"),
        (" SOL ", "SOL"),
    ],
)
def test_names_of_one_asset(one: str, other: str) -> None:
    assert same_asset(one, other) and same_asset(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [("BTC", "ETH"), ("KAVA", "AVA"), ("1INCH", "INCH"), ("MKR", "KR"), ("WLD", "LD"), ("XRP", "RP"), ("100X", "X")],
)
def test_names_of_different_assets(one: str, other: str) -> None:
    """What begins like a multiple, or like a wrapped coin, is not one."""
    assert not same_asset(one, other)


def test_a_name_stays_itself() -> None:
    assert canonical("DOGE") == "DOGE" and canonical("K") == "K" and canonical("1000") == "1000"


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("1000PEPE", 1_000),
        ("10000SATS", 10_000),
        ("1000000MOG", 1_000_000),
        ("1MBABYDOGE", 1_000_000),
        ("kSHIB", 1_000),
        ("SHIB1000", 1_000),
        *((name, 1) for name in ("PEPE", "1INCH", "KAVA", "KSM", "100X", "BTC", "XBT", "WBTC", "MKR", "1000", "X1000")),
    ],
)
def test_the_multiple_that_a_name_stands_for(name: str, times: int) -> None:
    assert multiple(name) == times
