"""New texts have the composed pattern of the fitted ones: fields, ranges, check digits, words."""

from __future__ import annotations

import ipaddress
import json
import re
import uuid

import numpy as np
import pytest

from gensynth.encoding.patterns import fit_pattern, pattern_from_json
from gensynth.schema.values import object_array

R = np.random.default_rng(2)
N = 300
NAMES = ["".join(R.choice(list("abcdefghijklmnopqrstuvwxyz"), R.integers(3, 9))) for _ in range(400)]
DAYS = np.datetime64("2020-01-01") + np.arange(N)


def drawn(texts, n=400, level=0):
    pattern = fit_pattern(object_array(list(texts)))
    again = pattern_from_json(json.loads(json.dumps(pattern.to_json())))
    new = again.draw(n, np.random.default_rng(0), level).tolist()
    assert new == pattern.draw(n, np.random.default_rng(0), level).tolist()
    return new


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([f"+3161{R.integers(10**7):07d}" for _ in range(N)], r"\+3161\d{7}"),
        ([[f"+316{R.integers(10**8):08d}", f"+1415{R.integers(10**7):07d}"][i % 2] for i in range(N)],
         r"\+316\d{8}|\+1415\d{7}"),
        ([f"({R.integers(200, 999)}) {R.integers(10**7):07d}" for _ in range(N)], r"\([2-9]\d\d\) \d{7}"),
        ([f"{R.choice(NAMES)}{R.integers(10, 99)}@{['x.org', 'y.co.uk'][i % 2]}" for i in range(N)],
         r"[a-z]{3,8}\d\d@(x\.org|y\.co\.uk)"),
        ([f"{R.choice(NAMES)}@{R.choice(NAMES)}{i}.com" for i in range(N)], r"[a-z]{3,8}@[a-z]{3,8}\d{1,3}\.com"),
        ([f"C{i}" for i in range(1, N)], r"C[1-9]\d{0,2}"),
        ([f"{R.choice(['AB', 'XY'])}-{R.integers(2**32):08x}" for _ in range(N)], r"(AB|XY)-[0-9a-f]{8}"),
        ([":".join(f"{b:02X}" for b in R.integers(0, 256, 6)) for _ in range(N)], r"([0-9A-F]{2}:){5}[0-9A-F]{2}"),
        ([f"v{R.integers(1, 4)}.{R.integers(0, 13)}.{R.integers(0, 31)}" for _ in range(N)],
         r"v[1-3]\.(\d|1[0-2])\.(\d|[12]\d|30)"),
        ([f"{R.choice(NAMES).title()} {R.choice(['Street', 'Road'])} {R.integers(1, 99)}" for _ in range(N)],
         r"[A-Z][a-z]{2,7} (Street|Road) [1-9]\d?"),
        ([f"Иван {''.join(R.choice(list('абвгдежз'), 5)).title()}" for _ in range(N)], r"Иван [А-Я][а-я]{4}"),
        ([f"{R.integers(10**11, 10**12)}" for _ in range(N)], r"[1-9]\d{11}"),
        (["".join(R.choice(list("ABCXYZabcxyz0189+/"), 22)) + "==" for _ in range(N)], r"[A-Za-z0-9+/]{22}=="),
    ],
)  # fmt: skip
def test_the_pattern_is_kept(texts, expected):
    assert all(re.fullmatch(expected, text) for text in texts), "the test itself"
    assert [text for text in drawn(texts) if not re.fullmatch(expected, text)] == []


@pytest.mark.parametrize("form", ["{}", "K-{}", "{}/ab"])
@pytest.mark.parametrize("separator", ["", "-"])
def test_dates_within_are_days(form, separator):
    texts = [f"{form.format(str(day).replace('-', separator))}-{R.integers(10**4):04d}" for day in DAYS]
    digits = r"(\d{4}-\d\d-\d\d)" if separator else r"(\d{8})"
    for text in drawn(texts):
        found = re.search(digits, text)
        assert found is not None
        day = found[0]
        plain = day if separator else f"{day[:4]}-{day[4:6]}-{day[6:]}"
        assert np.datetime64("2020-01-01") <= np.datetime64(plain) <= DAYS[-1]


@pytest.mark.parametrize("level", [0, 1, 2, 3, 6])
def test_addresses_stay_valid(level):
    for text in drawn([".".join(map(str, R.integers(0, 256, 4))) for _ in range(N)], level=level):
        ipaddress.IPv4Address(text)
    for text in drawn([f"192.168.0.{i}" for i in range(200)], level=level):
        ipaddress.IPv4Address(text)


def test_ipv6_and_uuid_stay_valid():
    def bits(n):
        return int.from_bytes(R.bytes(n // 8), "big")

    for text in drawn([str(ipaddress.IPv6Address(bits(128))) for _ in range(N)]):
        ipaddress.IPv6Address(text)
    made = [uuid.UUID(text) for text in drawn([str(uuid.UUID(int=bits(128), version=4)) for _ in range(N)])]
    assert {(one.version, one.variant) for one in made} == {(4, uuid.RFC_4122)}


def test_a_pattern_that_is_used_up_is_widened():
    codes = [f"K-2024-{i:02d}" for i in range(10, 20)] * 3
    assert all(re.fullmatch(r"K-2024-1\d", text) for text in drawn(codes, level=0))
    assert all(re.fullmatch(r"K-2024-\d\d", text) for text in drawn(codes, level=1))
    assert all(re.fullmatch(r"[A-Z]-\d{4}-\d\d", text) for text in drawn(codes, level=3))
    assert all(re.fullmatch(r"[A-Z]-\d{4}-\d{4}", text) for text in drawn(codes, level=5))


def test_what_one_text_alone_has_does_not_come_back():
    texts = [f"{R.choice(NAMES)}@{'x.org' if i else 'secret-firm.com'}" for i in range(N)]
    texts += [f"{'a' * 40}-{R.choice(NAMES)}"]
    made = drawn(texts, 3000)
    assert not any("secret" in text or "aaaaaaaa" in text for text in made)


def _words(n, letters):
    return ["".join(word) for word in R.choice(list(letters), (n, 7))]


def test_free_text_has_random_words_as_long_as_the_fitted():
    texts = ["The " + " ".join(_words(R.integers(20, 90), "abcdefghijklm")) + ".\nDone 12" for _ in range(N)]
    made = drawn(texts)
    words = {word for text in texts for word in text.split()}
    lengths, own = [len(t.split()) for t in made], [len(t.split()) for t in texts]
    assert np.mean(lengths) == pytest.approx(np.mean(own), rel=0.1)
    assert "Done" in " ".join(made)  # a word that all texts share
    long = [word for text in made for word in text.split() if len(word) > 5]
    assert np.mean([word in words for word in long]) < 0.01
    assert {len(word) for text in made for word in text.split()} <= {len(word) for word in words}


def test_letters_of_other_scripts_are_drawn_too():
    texts = [" ".join(_words(R.integers(10, 40), "абвгдежзик漢字語文")) for _ in range(N)]
    made, words = ({word for text in some for word in text.split()} for some in (drawn(texts), texts))
    assert len(made & words) < 0.01 * len(made)


@pytest.mark.parametrize("texts", [[""], ["", "a"], ["-"], ["\x00"], ["ä"], [" "], ["a" * 5000], ["\ue000b c d e f"]])
def test_odd_texts(texts):
    assert len(drawn(texts * 30, 5)) == 5
    assert len(drawn(texts, 0)) == 0
