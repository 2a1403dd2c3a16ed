"""Damaged files: the clean bars, or a refusal; never another number in silence and never another kind of exception.

Damage of form (order, doubles, units, encoding, line ends, a torn end) gives the clean bars, bars that the file still
holds whole, or a refusal. Lost rows are a hole that the data: line counts. A changed price is caught where open, high,
low and close contradict each other.
"""

import gzip

import numpy as np
import pytest
from files.tables import HOUR, WITH_ZONE, market, write

from stresslab.errors import InputError
from stresslab.files.price_file import read_bars

MARKET = market()
TEXTS = {name: one(MARKET) for name, one in WITH_ZONE.items() if one(MARKET)[:1] not in "[{"}
CLEAN = {name: (MARKET.stamps, MARKET.prices) for name in TEXTS}
LAST_PRICE = {"trading_view", "ccxt_list"}


def lines_of(text):
    lines = text.split("\n")
    head = next(n for n, line in enumerate(lines) if sum(c.isdigit() for c in line) > 20)
    return lines[:head], [line for line in lines[head:] if line]


def joined(head, rows):
    return "\n".join([*head, *rows]) + "\n"


def swapped(text, draw):
    head, rows = lines_of(text)
    a, b = sorted(draw.choice(len(rows), 2, replace=False))
    rows[a], rows[b] = rows[b], rows[a]
    return joined(head, rows)


def turned(text, draw):
    head, rows = lines_of(text)
    return joined(head, rows[::-1])


def doubled(text, draw):
    head, rows = lines_of(text)
    place = int(draw.integers(len(rows)))
    return joined(head, [*rows[:place], rows[place], *rows[place:]])


def moved_double(text, draw):
    head, rows = lines_of(text)
    return joined(head, [*rows, rows[int(draw.integers(len(rows) - 3))]])


def torn(text, draw):
    start = text.index("\n", len(text) // 2)
    return text[: int(draw.integers(start, len(text)))]


def lost_field(text, draw):
    head, rows = lines_of(text)
    place = int(draw.integers(len(rows)))
    divider = ";" if ";" in rows[place] else "\t" if "\t" in rows[place] else ","
    rows[place] = divider.join(rows[place].split(divider)[1:])
    return joined(head, rows)


def blank_lines(text, draw):
    head, rows = lines_of(text)
    place = int(draw.integers(len(rows)))
    return joined(head, [*rows[:place], "", "  ", *rows[place:]])


def carriage_returns(text, draw):
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def half_header(text, draw):
    head, rows = lines_of(text)
    return joined([*head[:-1], head[-1][: len(head[-1]) // 2]] if head else head, rows)


def other_unit(text, draw):
    head, rows = lines_of(text)
    place = int(draw.integers(len(rows)))
    digits = rows[place].split(",")[0].split(";")[0]
    if digits.isdecimal():
        rows[place] = rows[place].replace(digits, digits + "000", 1)
    return joined(head, rows)


FORM = (
    swapped,
    turned,
    doubled,
    moved_double,
    torn,
    lost_field,
    blank_lines,
    carriage_returns,
    half_header,
    other_unit,
)


def utf_16(text, draw):
    return text.lstrip("\ufeff").encode("utf-16")


def torn_gzip(text, draw):
    data = gzip.compress(text.encode())
    return data[: int(draw.integers(20, len(data)))]


def flipped_bit(text, draw):
    data = bytearray(text.encode())
    data[int(draw.integers(len(data)))] ^= 1 << int(draw.integers(8))
    return bytes(data)


def flipped_gzip_bit(text, draw):
    data = bytearray(gzip.compress(text.encode()))
    data[int(draw.integers(10, len(data)))] ^= 1 << int(draw.integers(8))
    return bytes(data)


BYTES = (utf_16, torn_gzip, flipped_bit, flipped_gzip_bit)


def read(folder, damage, name, seed):
    """Bars, or None where the file is refused; the message of a refusal is looked at."""
    draw = np.random.default_rng([seed, sum(map(ord, damage.__name__ + name))])
    content = damage(TEXTS[name], draw)
    path = folder / "prices.csv"
    if isinstance(content, str):
        write(folder, content)
    else:
        path.write_bytes(content)
    try:
        return read_bars(path)
    except InputError as refusal:
        message = str(refusal)
        assert message.startswith(str(path)) and len(message) <= 3000, message
        return None


def check_subset(bars, name):
    """Every bar is one of the market's."""
    places = np.searchsorted(MARKET.stamps, bars.stamps)
    np.testing.assert_array_equal(MARKET.stamps[places], bars.stamps)
    np.testing.assert_array_equal(MARKET.prices[places], bars.prices)


def run_form(folder, seeds):
    read_clean = 0
    for seed in seeds:
        for damage in FORM:
            name = list(TEXTS)[seed % len(TEXTS)]
            bars = read(folder, damage, name, seed)
            if bars is None:
                continue
            check_subset(bars, name)
            read_clean += 1
            if damage is not torn and damage is not lost_field:
                assert len(bars.stamps) == len(MARKET.stamps), (damage.__name__, name)
    return read_clean


def run_bytes(folder, seeds):
    for seed in seeds:
        for damage in BYTES:
            name = list(TEXTS)[seed % len(TEXTS)]
            bars = read(folder, damage, name, seed)
            if bars is not None and damage is not flipped_bit:
                check_subset(bars, name)


def run_lost(folder, seeds):
    for seed in seeds:
        name = list(TEXTS)[seed % len(TEXTS)]
        draw = np.random.default_rng(seed)
        head, rows = lines_of(TEXTS[name])
        first = int(draw.integers(5, 40))
        n = int(draw.integers(1, 10))
        if name in ("okx_running_bar", "crypto_data_download", "doubled_rows"):
            continue  # rows that are newest first or doubled: the same code after they are put in order
        bars = read_bars(write(folder, joined(head, [*rows[:first], *rows[first + n :]])))
        check_subset(bars, name)
        assert bars.missed.sum() == n and bars.gaps == 1
        move = np.expm1(np.log(MARKET.prices[first + n, 3] / MARKET.prices[first - 1, 3]))
        said = (
            f"{n} bars are missing in 1 hole ({n / 60:.1%} of the record); the largest move over a hole is {move:+.1%}"
        )
        assert any(line.startswith(said) for line in bars.words()), bars.words()


def run_changed(folder, seeds):
    caught = changed = 0
    for seed in seeds:
        draw = np.random.default_rng(seed)
        prices = MARKET.prices.copy()
        row, column = int(draw.integers(60)), int(draw.integers(4))
        digits = list(f"{prices[row, column]:.2f}")
        place = int(draw.choice([n for n, digit in enumerate(digits) if digit.isdecimal()]))
        digits[place] = str((int(digits[place]) + int(draw.integers(1, 10))) % 10)
        prices[row, column] = float("".join(digits))
        if prices[row, column] <= 0:
            continue
        changed += 1
        opens, high, low, close = prices[row]
        contradicts = low > min(opens, close) or high < max(opens, close) or low > high
        try:
            read_bars(write(folder, WITH_ZONE["trading_view"](MARKET._replace(prices=prices))))
            assert not contradicts, (row, column, digits)
        except InputError as refusal:
            assert contradicts and f"row {row + 2}" in str(refusal)
            caught += 1
    assert 0.2 * changed < caught < changed  # a wrong cent often lies between low and high


def test_damage_of_form(tmp_path):
    assert run_form(tmp_path, range(12)) > 30  # many are read clean: not all is refused


def test_damaged_bytes(tmp_path):
    run_bytes(tmp_path, range(30))


def test_lost_rows_are_a_hole(tmp_path):
    run_lost(tmp_path, range(20))


def test_a_changed_price_is_caught_where_the_four_contradict_each_other(tmp_path):
    run_changed(tmp_path, range(40))


@pytest.mark.slow
def test_a_thousand_damaged_files(tmp_path):
    run_form(tmp_path, range(100, 160))
    run_bytes(tmp_path, range(100, 150))
    run_lost(tmp_path, range(100, 200))
    run_changed(tmp_path, range(100, 300))


def test_a_stamp_of_another_year_is_no_bar_of_this_market(tmp_path):
    """One year wrong in the middle is disorder; at the end it is a hole of a year, which the data: line counts."""
    head, rows = lines_of(TEXTS["comments_on_top"])
    rows[30] = rows[30].replace("2024", "2025", 1)
    with pytest.raises(InputError, match="stamps must rise from row to row"):
        read_bars(write(tmp_path, joined(head, rows)))
    head, rows = lines_of(TEXTS["comments_on_top"])
    rows[-1] = rows[-1].replace("2024", "2025", 1)
    bars = read_bars(write(tmp_path, joined(head, rows)))
    assert bars.missed.max() * HOUR > 360 * 86_400 and bars.missing_share > 0.99
