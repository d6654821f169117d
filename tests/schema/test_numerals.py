from __future__ import annotations

import numpy as np
import pytest

from gensynth.schema.notation import Notation
from gensynth.schema.numerals import find_notation

RNG = np.random.default_rng(0)
POSITIVE = RNG.exponential(2_000, 300).round(2) + 1
SIGNED = RNG.normal(0, 2_000, 300).round(2)


def marks(text: str, group: str, point: str) -> str:
    return text.replace(",", "\0").replace(".", point).replace("\0", group)


STYLES = {
    "dollar": [f"${v:,.2f}" for v in POSITIVE],
    "euro behind": [marks(f"{v:,.2f}", ".", ",") + " €" for v in POSITIVE],
    "franc": ["CHF " + marks(f"{v:,.2f}", "'", ".") for v in POSITIVE],
    "rupee": [f"Rs. {v:,.0f}" for v in POSITIVE],
    "percent": [f"{v:.1f}%" for v in POSITIVE],
    "unit": [f"{v:.1f} km/h" for v in POSITIVE],
    "narrow spaces": [marks(f"{v:,.0f}", "\u202f", ".") for v in POSITIVE],
    "decimal comma": [marks(f"{v:.2f}", "", ",") for v in SIGNED],
    "plus": [f"{v:+.1f}" for v in SIGNED],
    "minus sign": [f"{v:.2f}".replace("-", "\u2212") for v in SIGNED],
    "minus before the currency": [f"-${-v:,.2f}" if v < 0 else f"${v:,.2f}" for v in SIGNED],
    "minus behind the currency": [f"$-{-v:,.2f}" if v < 0 else f"${v:,.2f}" for v in SIGNED],
    "minus at the end": [f"{-v:.2f}-" if v < 0 else f"{v:.2f}" for v in SIGNED],
    "parentheses": [f"({-v:,.2f})" if v < 0 else f"{v:,.2f}" for v in SIGNED],
    "as needed": [f"{v:g} kg" for v in POSITIVE.round(2)],
    "whole without decimals": [f"${v:.0f}" if i % 3 else f"${int(v)}.{10 + i % 90}" for i, v in enumerate(POSITIVE)],
    "exponent": [f"{v:.3e}" for v in POSITIVE],
}


@pytest.mark.parametrize("style", STYLES)
def test_what_is_read_is_written_alike(style):
    texts = list(dict.fromkeys(STYLES[style]))
    found = find_notation(texts)
    assert found is not None
    notation, others = found
    assert others == []
    values = notation.read(texts)
    assert np.isfinite(values).all()
    assert notation.write(np.rint(values * 100).astype(np.int64), 2) == texts
    assert Notation.from_json(notation.to_json()) == notation


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1.234", "2.345", "987", "12.345"], [1234, 2345, 987, 12345]),  # 987 decides
        (["1.234", "2.345"], [1.234, 2.345]),
        (["1,234", "2,345"], [1234, 2345]),
        (["0,532", "1,234"], [0.532, 1.234]),
        (["1.234.567", "12.345"], [1234567, 12345]),
        (["1.234,5", "12,25"], [1234.5, 12.25]),
        ([".5", "1.25"], [0.5, 1.25]),
    ],
)
def test_what_a_mark_means_is_seen_from_the_whole_column(texts, values):
    notation, others = find_notation(texts) or pytest.fail("no notation")
    assert not others
    assert notation.read(texts).tolist() == values


@pytest.mark.parametrize(
    "texts",
    [
        ["02208", "10001"],
        ["10001", "20002"],
        [str(i) for i in range(20)],
        ["+31612345678", "+31612345679"],
        ["1.2.3", "1.3.4"],
        ["10.0.0.1", "192.168.1.1"],
        ["12:30", "11:15"],
        ["A12", "B13"],
        ["1-2", "3-4"],
        ["Rome", "Oslo"],
        ["4 bis", "5 ter"],
    ],
)
def test_codes_are_no_numbers(texts):
    assert find_notation(texts) is None


def test_texts_among_numbers_are_told_apart():
    texts = [f"{v:.2f}" for v in POSITIVE] + ["unknown", "#DIV/0!", "<5", "-", "1.2.3"]
    notation, others = find_notation(texts) or pytest.fail("no notation")
    assert others == ["unknown", "#DIV/0!", "<5", "-", "1.2.3"]
    assert np.isnan(notation.read(others)).all()


def written_again(texts, ticks, decimals):
    notation, _ = find_notation(texts) or pytest.fail("no notation")
    return notation.write(np.array(ticks), decimals)


def test_as_many_decimals_as_needed():
    texts = [str(v) for v in POSITIVE]
    assert written_again(texts, [150, 100, 123456], 2) == ["1.5", "1.0", "1234.56"]


def test_zero_may_stand_without_currency():
    assert written_again(["0", *(f"${v:.2f}" for v in POSITIVE)], [0, 499], 2) == ["0", "$4.99"]


def test_one_of_two_zeros_is_no_number():
    notation, others = find_notation(["0", "0+", *(f"{10**i:,}+" for i in range(1, 9))]) or pytest.fail("no notation")
    assert others == ["0"]
    assert notation.write(np.array([0, 1000]), 0) == ["0+", "1,000+"]


def test_numbers_below_one_may_lack_their_zero():
    assert written_again([f"{v:.2f}".removeprefix("0") for v in POSITIVE / 1000], [50, 150], 2) == [".50", "1.50"]


def test_lakhs():
    assert written_again(["12,34,567", "99,999", "1,000"], [7654321], 0) == ["76,54,321"]


def test_parentheses_behind_the_currency():
    texts = [f"$({-v:,.2f})" if v < 0 else f"${v:,.2f}" for v in SIGNED]
    assert written_again(texts, [-123450], 2) == ["$(1,234.50)"]


@pytest.mark.parametrize("texts", [[f"192.168.100.{i}" for i in range(100, 150)], ["1st", "2nd", "3rd", "4th"]])
def test_addresses_and_ordinals_are_no_numbers(texts):
    assert find_notation(texts) is None
