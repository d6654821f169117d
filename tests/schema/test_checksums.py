"""Check digits: known codes have them, changed ones do not, repaired ones do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.schema.checksums import CHECKSUMS, find_checksum

KNOWN = {
    "luhn": ["4111111111111111", "5500 0000 0000 0004", "4012-8888-8888-1881", "490154203237518"],
    "ean": ["4006381333931", "9783161484100", "73513537", "036000291452"],
    "iban": ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "NL91ABNA0417164300"],
}


def texts(values):
    return np.array([*values, None], dtype=object)[:-1]


@pytest.mark.parametrize("name", KNOWN)
def test_known_codes(name):
    codes = texts(KNOWN[name])
    assert CHECKSUMS[name].holds(codes).all()
    assert CHECKSUMS[name].repaired(codes).tolist() == codes.tolist()
    wrong = texts([f"{code[:-1]}{(int(code[-1]) + 1) % 10}" for code in KNOWN[name]])
    assert not CHECKSUMS[name].holds(wrong).any()


@given(st.lists(st.integers(10**12, 10**16 - 1), min_size=1, max_size=20), st.sampled_from(["luhn", "ean"]))
def test_repaired_numbers_hold(numbers, name):
    codes = CHECKSUMS[name].repaired(texts([str(n) for n in numbers]))
    assert CHECKSUMS[name].holds(codes).all()
    assert [code[:-1] for code in codes] == [str(n)[:-1] for n in numbers]


@given(st.lists(st.integers(0, 10**16 - 1).map(lambda n: f"NL{n:016d}ABNA"), min_size=1, max_size=20))
def test_repaired_accounts_hold(accounts):
    codes = CHECKSUMS["iban"].repaired(texts(accounts))
    assert CHECKSUMS["iban"].holds(codes).all()
    assert [code[4:] for code in codes] == [account[4:] for account in accounts]
    assert not CHECKSUMS["iban"].holds(texts(["NL10ABNA000000000\u0660"])).any()


def test_found_where_all_of_several_have_it():
    rng = np.random.default_rng(0)
    numbers = texts([str(n) for n in rng.integers(10**14, 10**15, 40)])
    assert find_checksum(numbers) is None
    cards = CHECKSUMS["luhn"].repaired(numbers)
    assert find_checksum(cards) == "luhn"
    assert find_checksum(cards[:9]) is None
    cards[17] = cards[17][:-1] + str((int(cards[17][-1]) + 1) % 10)
    assert find_checksum(cards) is None
    assert find_checksum(texts(["", "a", "12"] * 10)) is None
