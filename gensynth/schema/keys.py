"""Inference of identifier columns: codes that only tell rows, people or things apart."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from gensynth.schema.checksums import find_checksum
from gensynth.schema.column_names import says_key, says_people, says_quantity
from gensynth.schema.notation import Notation

Counts = NDArray[np.int64]

MIN_KEYS = 20
"""Minimal number of rows for taking a column as an identifier because its values are distinct."""

_UNIQUE_SHARE = 0.9
_FEW, _FEW_ROWS_EACH = 10, 5
_MANY, _MANY_ROWS_EACH = 20, 50
_TECHNICAL_ROWS_EACH, _MANY_MACHINES = 10, 100
_FIRST = 1000

_IPV4 = r"(?:\d{1,3}\.){3}\d{1,3}(?:[/:]\d{1,5})?"
_NUMBER_GROUPS = (
    r"(?=(?:\D*\d){7,15}(?:\D*| ?x\d+)$)"  # 7 to 15 digits
    r"(?!\d{4}-\d\d-\d\d$|\d\d?[./\-]\d\d?[./\-]\d{2,4}$)"  # no dates
    r"(?=[+(]|0(?!\d{4}-\d{4}$)|.*\d[ ./\-].*\d[ ./\-]\d)"  # no ranges, no ZIP+4
    r"(?:\+?\d{1,3}[ .\-]?)?(?:\(\d{1,5}\)[ .\-]?)?\d{2,8}(?:[ ./\-]\d{2,8}){1,5}(?: ?x\d+)?"
)
_PRIVATE_PATTERNS = (
    r"[^\s@]+@[^\s@]+\.[^\s@]{2,}",  # email addresses
    r"\d{3}-\d{2}-\d{4}",  # social security numbers
    _NUMBER_GROUPS,  # telephone numbers
    r"\+\d{7,15}|0\d{8,14}",
)
_TECHNICAL_PATTERNS = (
    _IPV4,
    r"(?=.*:.*:)[0-9A-Fa-f:]{6,39}",  # IPv6 addresses
    r"(?:[0-9A-Fa-f]{2}[:\-]){5}[0-9A-Fa-f]{2}",  # MAC addresses
    r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}",  # UUIDs
    r"(?=.*\d)(?=.*[A-Fa-f])(?:[0-9a-f]{16,}|[0-9A-F]{16,})",  # hashes
    r"\d{9,}",
)

_BEFORE_QUANTITIES = {"AED", "ARS", "AUD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP",
                      "HKD", "HUF", "IDR", "ILS", "INR", "JPY", "KRW", "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP",
                      "PKR", "PLN", "RMB", "RON", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND",
                      "ZAR", "RS", "KR", "FR", "DM", "R", "S", "RM", "RP", "TL", "CA", "ABT", "MIN",
                      "MAX"}  # fmt: skip

_STAND_INS = {"", "-", "--", "?", ".", "n/a", "na", "n.a.", "nan", "none", "null", "nil", "unknown", "missing",
              "unbekannt", "not available", "not given", "not provided", "anonymous", "tbd", "no comment"}  # fmt: skip
_MAX_STAND_INS, _MIN_SHARED = 3, 3
_CODED = re.compile(r"[0-9@]")

# epoch times in seconds, and the same in milli-, micro- and nanoseconds: whole numbers of one length that are no codes
_EPOCH = (900_000_000, 2_200_000_000)
_MACHINE = ((0, 2**31), (0, 2**32), (0, 2**53), (0, 2**63), (-(2**31), 2**31), (-(2**63), 2**63))


def text_keys(texts: NDArray[np.object_], counts: Counts, name: str | int) -> bool:
    """Return whether texts are identifiers.

    They are where nearly every row has its own. Those that repeat are where they have the pattern of something
    personal (an email address, a telephone number, an IBAN, a card or social security number), or a name that says so,
    and many entities have few rows each: five mailboxes in a thousand rows are categories.

    Parameters
    ----------
    texts : ndarray of shape (k,)
        The distinct values.
    counts : ndarray of shape (k,)
        Rows of each.
    name : str or int
        Label of the column.
    """
    keys = ~stand_ins(texts, counts)
    texts, counts = texts[keys], counts[keys]
    present = int(counts.sum())
    if present >= MIN_KEYS and len(texts) > _UNIQUE_SHARE * present:
        return True
    if not _few_rows_each(len(texts), present):
        return False
    few_each = present <= _TECHNICAL_ROWS_EACH * len(texts) or len(texts) >= _MANY_MACHINES
    if _match(texts, _IPV4):
        return few_each
    if any(_match(texts, pattern) for pattern in _PRIVATE_PATTERNS) or find_checksum(texts) in ("iban", "luhn"):
        return True
    if says_people(name):
        return _match(texts, r"(?=(?:\D*\d){3})[^\s]+")
    return few_each and any(_match(texts, pattern) for pattern in _TECHNICAL_PATTERNS)


def written_keys(
    numbers: NDArray[np.float64], texts: NDArray[np.object_], counts: Counts, name: str | int, notation: Notation
) -> bool:
    """Return whether texts with numbers are identifiers: INV1001, #27, ``212 555 100``.

    Parameters
    ----------
    numbers : ndarray of shape (n,)
        What the texts of the rows stand for, NaN where a text is no number.
    texts, counts, name
        As for `text_keys`.
    notation : Notation
        How the numbers are written.
    """
    numbers = numbers[~np.isnan(numbers)]
    if notation.affix[1] or notation.exponent or (numbers % 1 != 0).any():
        return False
    word = notation.affix[0].strip(" .:#-_/").upper()
    too_long = bool((np.abs(numbers) >= 2.0**53).any())  # no float tells them apart
    if too_long or "#" in notation.affix[0] or (word.isalpha() and word not in _BEFORE_QUANTITIES):
        return text_keys(texts, counts, name)
    return not notation.thousands.strip() and integer_keys(numbers.astype(np.int64), name)


def stand_ins(texts: NDArray[np.object_], counts: Counts) -> NDArray[np.bool_]:
    """Return the texts that stand for a missing key: unknown, n/a, withheld.

    They are at most three that several rows have, and are spelled as such, or have neither a digit nor an @ where all
    others do.

    Parameters
    ----------
    texts, counts
        As for `text_keys`.
    """
    out = np.zeros(len(texts), dtype=bool)
    frequent = np.flatnonzero(counts >= max(_MIN_SHARED, 0.01 * counts.sum()))
    frequent = frequent[np.argsort(-counts[frequent], kind="stable")][:_MAX_STAND_INS]
    if not len(frequent):
        return out
    bare = [i for i in frequent.tolist() if not _CODED.search(texts[i])]
    if bare and len(texts) > len(bare):
        coded = all(i in bare or _CODED.search(text) for i, text in enumerate(texts.tolist()))
        out[[i for i in bare if coded or texts[i].strip().lower() in _STAND_INS]] = True
    return out


def integer_keys(values: NDArray[np.int64], name: str | int) -> bool:
    """Return whether whole numbers are identifiers.

    They are where all differ and they ascend or descend without a gap, or the name says so; where at least nine in ten
    differ and they are codes by their pattern: of one length and spread evenly over all numbers of it, or with a check
    digit; and where name and pattern say that they are codes of people, many of whom have few rows each.

    Parameters
    ----------
    values : ndarray of shape (n,)
        The values that are there, in the order of the rows.
    name : str or int
        Label of the column.
    """
    n = len(values)
    if n < MIN_KEYS:
        return False
    personal = says_people(name)
    if not personal and len(np.unique(values[:_FIRST])) <= _UNIQUE_SHARE * min(n, _FIRST):
        return False
    distinct = np.unique(values)
    if len(distinct) < n:
        if personal and _few_rows_each(len(distinct), n) and _are_long(distinct):
            return True
        return len(distinct) > _UNIQUE_SHARE * n and _are_codes(distinct, name)
    steps = np.diff(values)
    if bool((steps > 0).all() or (steps < 0).all()) and int(distinct[-1]) - int(distinct[0]) < 2 * n:
        return True
    return says_key(name) or _are_codes(distinct, name)


def _few_rows_each(n_distinct: int, n_rows: int) -> bool:
    return (n_distinct >= _FEW and n_rows <= _FEW_ROWS_EACH * n_distinct) or (
        n_distinct >= _MANY and n_rows <= _MANY_ROWS_EACH * n_distinct
    )


def _match(texts: NDArray[np.object_], pattern: str) -> bool:
    """Return whether all texts match; a few of them are looked at first."""
    regex = re.compile(pattern, re.ASCII)
    some = texts[:: max(1, len(texts) // 50)].tolist()
    return all(regex.fullmatch(t) for t in some) and all(regex.fullmatch(t) for t in texts.tolist())


def _n_digits(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.searchsorted(10 ** np.arange(1, 19, dtype=np.int64), np.abs(values), side="right") + 1


def _are_long(distinct: NDArray[np.int64]) -> bool:
    """Return whether positive numbers have nearly equal lengths of at least six digits: codes, not counts."""
    lengths = _n_digits(distinct)
    return bool(distinct[0] > 0 and lengths.max() >= 6 and (lengths >= 5).mean() > 0.9)


def _are_codes(distinct: NDArray[np.int64], name: str | int) -> bool:
    """Return whether distinct numbers look uniform over all numbers of their length, as codes are."""
    if says_quantity(name) or _is_epoch(distinct):
        return False
    if len(distinct) >= 50 and any(_even(distinct, *ends) < 0.1 for ends in _MACHINE):
        return True  # random numbers and hashes
    lengths = _n_digits(distinct)
    length = int(lengths[-1])
    if distinct[0] < 0 or length < 6 or (lengths == length).mean() < 0.85:
        return False
    low, high = 10 ** (length - 1), min(10**length, 2**63)
    n = len(distinct)
    if length < 8 and n * n < 6 * (high - low):  # numbers at random would have differed too
        return False
    most = min(max(1.63 / np.sqrt(n), 0.02), 0.15 if length >= 8 else 0.08)
    ends = [(low, high), (0, high)]
    if int(distinct[-1]) - int(distinct[0]) > 0.5 * (high - low):
        ends.append((int(distinct[0]), int(distinct[-1]) + 1))
    if (lengths == length).all() and length >= 8:
        if find_checksum(np.array([str(v) for v in distinct.tolist()], dtype=object)):
            return True
        if (common := _shared_head(distinct)) is not None:
            ends.append(common)
        block = 10 ** (length - 3)
        heads = np.unique(distinct // block)
        # few leading digits far from each other, all numbers behind each: telephone numbers of several areas
        apart = len(heads) > 1 and heads[-1] - heads[0] >= 3 * len(heads)
        if apart and 20 * len(heads) <= n and _even(np.sort(distinct % block), 0, block) < most:
            return True
    even = any(_even(distinct, *pair) < most for pair in ends)
    return even and _even(np.sort(distinct % 1000), 0, 1000) < max(most, 0.05)


def _shared_head(distinct: NDArray[np.int64]) -> tuple[int, int] | None:
    """Return the numbers that begin as all do (bank code, issuer), if at least 5 digits come after it."""
    low, high = int(distinct[0]), int(distinct[-1])
    block = 10**5
    while low // block != high // block:
        block *= 10
    return (low // block * block, (low // block + 1) * block) if low // block else None


def _even(ascending: NDArray[np.int64], low: int, high: int) -> float:
    """Return the Kolmogorov-Smirnov distance between numbers and the uniform distribution over [low, high)."""
    place = (ascending.astype(np.float64) - low) / (high - low)
    steps = np.arange(len(place) + 1) / len(place)
    return float(np.maximum(np.abs(place - steps[:-1]), np.abs(steps[1:] - place)).max())


def _is_epoch(distinct: NDArray[np.int64]) -> bool:
    return any(
        distinct[0] >= _EPOCH[0] * scale and distinct[-1] <= _EPOCH[1] * scale for scale in (1, 10**3, 10**6, 10**9)
    )
