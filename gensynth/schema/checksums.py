"""Check digits of codes: whether all codes of a column have valid ones, and valid ones for new codes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Texts = NDArray[np.object_]

_IBAN = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}", re.ASCII)
_DIGITS = re.compile(r"\d(?:[ \-]?\d){7,18}", re.ASCII)
_MIN_TEXTS = 10
"""Minimal number of codes for inferring a check digit: by chance, each has the right one with probability 0.1."""


@dataclass(frozen=True)
class Checksum:
    """One kind of check digits.

    Parameters
    ----------
    holds : callable
        From texts (k,) to (k,) whether each has the right check digits.
    repaired : callable
        From texts (k,) of the same pattern to texts with the right check digits.
    """

    holds: Callable[[Texts], NDArray[np.bool_]]
    repaired: Callable[[Texts], Texts]


def find_checksum(texts: Texts) -> str | None:
    """Return the name of the check digits that all of at least 10 distinct texts have, or None."""
    if len(texts) < _MIN_TEXTS:
        return None
    some = texts[:: max(1, len(texts) // 200)]
    return next((n for n, c in CHECKSUMS.items() if c.holds(some).all() and c.holds(texts).all()), None)


def _coded(texts: Texts, total: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> NDArray[np.bool_]:
    """Return whether each text is digits (blanks and hyphens aside) whose weighted total is a multiple of ten."""
    out = np.zeros(len(texts), dtype=bool)
    plain = np.array([_bare(text) if _DIGITS.fullmatch(text) else "" for text in texts.tolist()], dtype=object)
    for rows, digits in _by_length(plain):
        out[rows] = total(digits) % 10 == 0
    return out


def _with_last(texts: Texts, total: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> Texts:
    """Return the texts with the last digit that makes the weighted total a multiple of ten."""
    out = texts.copy()
    plain = np.array([_bare(text) for text in texts.tolist()], dtype=object)
    for rows, digits in _by_length(plain):
        digits[:, -1] = 0
        last = (-total(digits) % 10).tolist()
        out[rows] = [text[:-1] + str(digit) for text, digit in zip(texts[rows].tolist(), last, strict=True)]
    return out


def _bare(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


def _by_length(texts: Texts) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return for each length above 0 the rows and their digits (k, length)."""
    lengths = np.array([len(text) for text in texts.tolist()])
    out = []
    for length in np.unique(lengths[lengths > 0]).tolist():
        rows = np.flatnonzero(lengths == length)
        codes = np.array(texts[rows].tolist(), dtype=f"U{length}").view(np.uint32).reshape(len(rows), length)
        out.append((rows, codes.astype(np.int64) - ord("0")))
    return out


def _luhn_total(digits: NDArray[np.int64]) -> NDArray[np.int64]:
    doubled = digits.copy()
    doubled[:, -2::-2] = (2 * digits - 9 * (digits > 4))[:, -2::-2]
    return np.asarray(doubled.sum(1))


def _ean_total(digits: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(digits.sum(1) + 2 * digits[:, -2::-2].sum(1))


def _iban_rest(text: str, check: str) -> int:
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:2] + check)) % 97


def _iban_holds(texts: Texts) -> NDArray[np.bool_]:
    return np.array([
        _IBAN.fullmatch(t) is not None and _iban_rest(t.replace(" ", ""), t[2:4]) == 1 for t in texts.tolist()
    ], dtype=bool)  # fmt: skip


def _iban_repaired(texts: Texts) -> Texts:
    out = np.empty(len(texts), dtype=object)
    out[:] = [f"{t[:2]}{98 - _iban_rest(t.replace(' ', ''), '00'):02d}{t[4:]}" for t in texts.tolist()]
    return out


CHECKSUMS: dict[str, Checksum] = {
    "luhn": Checksum(lambda t: _coded(t, _luhn_total), lambda t: _with_last(t, _luhn_total)),
    "ean": Checksum(lambda t: _coded(t, _ean_total), lambda t: _with_last(t, _ean_total)),
    "iban": Checksum(_iban_holds, _iban_repaired),
}
"""Payment cards and IMEI (Luhn, ISO/IEC 7812), bar codes and ISBN-13 (GS1), bank accounts (ISO 13616)."""
