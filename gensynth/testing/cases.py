"""Small encoded tables that every family must be able to learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from gensynth.model import Batch, ColumnLayout, Encoding, ImageLayout, Layout, NumericSlot

Codes = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A layout with training rows."""

    name: str
    layout: Layout
    rows: Batch


def make_cases(encoding: Encoding, n_rows: int = 192, seed: int = 0) -> dict[str, Case]:
    """Return the cases of the contract suite by name, encoded as a recipe wants them.

    Parameters
    ----------
    encoding : Encoding
        `Recipe.encoding` of the recipe under test.
    n_rows : int
        Rows of each case.
    seed : int
        Seed of the rows.

    Returns
    -------
    dict of str to Case
        ``mixed`` (a category, a number with missing cells and repeated values, a flag), ``conditional`` (the same,
        sampling meant to be conditioned on the first column), ``categories``, ``numbers``, ``one-category``,
        ``one-number``, ``wide`` (50 columns) and ``images`` (grey ones, 8 x 6, beside a category and a number; for
        recipes with the capability "images").
    """
    mixed = ["category", "number", "flag", "folded"]
    kinds = {
        "mixed": (mixed, 0),
        "conditional": (mixed, 1),
        "categories": (["category", "flag", "category"], 0),
        "numbers": (["plain", "plain", "number"], 0),
        "one-category": (["category"], 0),
        "one-number": (["plain"], 0),
        "wide": (["category", "plain", "flag", "number", "category"] * 10, 2),
    }
    cases = {name: _make(name, kinds_, n, encoding, n_rows, seed) for name, (kinds_, n) in kinds.items()}
    return {
        **cases,
        "images": _with_images(_make("images", ["category", "number"], 1, encoding, min(n_rows, 64), seed)),
    }


def _with_images(case: Case) -> Case:
    """Return the case with an image beside each row: a bright line whose place the first column says, and noise."""
    image = ImageLayout(1, 8, 6, levels=16)
    noise = torch.randint(0, 4, (len(case.rows), 1, 8, 6), generator=torch.Generator().manual_seed(0))
    on = torch.arange(8).view(1, 1, 8, 1) == case.rows.codes[:, 0].view(-1, 1, 1, 1)
    pixels = (noise + 11 * on + 0.5) / image.levels
    return Case(case.name, replace(case.layout, image=image), replace(case.rows, pixels=pixels))


def _make(name: str, kinds: list[str], n_conditions: int, encoding: Encoding, n_rows: int, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    hidden = rng.integers(0, 3, n_rows)  # what the columns have in common
    columns: list[ColumnLayout] = []
    codes: list[Codes] = []
    numeric: list[Numbers] = []
    for i, kind in enumerate(kinds):
        column, column_codes, numbers = _KINDS[kind](f"{kind} {i}", hidden, rng, encoding, len(numeric))
        counts = np.bincount(column_codes, minlength=column.cardinality)
        frequencies = tuple(float(f) for f in counts / n_rows)
        columns.append(replace(column, frequencies=frequencies))
        codes.append(column_codes)
        if numbers is not None:
            numeric.append(numbers)
    flat = np.stack(numeric, 1) if numeric else np.zeros((n_rows, 0))
    rows = Batch(torch.from_numpy(flat).float(), torch.from_numpy(np.stack(codes, 1)))
    return Case(name, Layout(tuple(columns), n_rows, n_conditions), rows)


Made = tuple[ColumnLayout, Codes, Numbers | None]


def _category(name: str, hidden: Codes, rng: np.random.Generator, encoding: Encoding, at: int) -> Made:
    codes = 1 + np.where(rng.random(len(hidden)) < 0.7, hidden, rng.integers(0, 5, len(hidden)))
    return ColumnLayout(name, (0.0,) * 6), codes, None


def _flag(name: str, hidden: Codes, rng: np.random.Generator, encoding: Encoding, at: int) -> Made:
    codes = 1 + (hidden + rng.integers(0, 2, len(hidden)) > 1).astype(np.int64)
    return ColumnLayout(name, (0.0,) * 3), codes, None


def _folded(name: str, hidden: Codes, rng: np.random.Generator, encoding: Encoding, at: int) -> Made:
    """Make a category whose rare levels share the last code; a position tells them apart."""
    codes = 1 + np.minimum(rng.integers(0, 8, len(hidden)), 3)
    numbers = np.where(codes == 4, rng.random(len(hidden)), 0.0)
    return ColumnLayout(name, (0.0,) * 5, numeric=NumericSlot(at, range(4, 5), "within_bin")), codes, numbers


def _plain(name: str, hidden: Codes, rng: np.random.Generator, encoding: Encoding, at: int) -> Made:
    """Make a number without missing or repeated values."""
    if encoding.numeric != "bins":
        numbers = 0.8 * (hidden - 1.0) + 0.6 * rng.standard_normal(len(hidden))
        slot = NumericSlot(at, range(1, 2), "continuous")
        return ColumnLayout(name, (0.0,) * 2, numeric=slot), np.ones_like(hidden), numbers
    codes = 1 + 4 * hidden + rng.integers(0, 4, len(hidden))
    column = ColumnLayout(name, (0.0,) * 13, True, numeric=NumericSlot(at, range(1, 13), "within_bin"))
    return column, codes, rng.random(len(hidden))


def _number(name: str, hidden: Codes, rng: np.random.Generator, encoding: Encoding, at: int) -> Made:
    """Make a number with missing cells (code 1) and two repeated values (codes 2 and 3)."""
    column, codes, numbers = _plain(name, hidden, rng, encoding, at)
    if numbers is None or column.numeric is None:
        raise AssertionError("a plain number has numbers")
    kind = rng.choice(4, len(hidden), p=[0.1, 0.2, 0.1, 0.6])  # missing, a value, another value, any value
    codes = np.where(kind == 3, codes + 3, 1 + kind)
    fitted = column.numeric.codes
    slot = replace(column.numeric, codes=range(fitted.start + 3, fitted.stop + 3))
    frequencies = (0.0,) * (column.cardinality + 3)
    wide = ColumnLayout(name, frequencies, column.ordered, 1, slot)
    return wide, codes, np.where(kind == 3, numbers, 0.0)


_KINDS: dict[str, Callable[[str, Codes, np.random.Generator, Encoding, int], Made]] = {
    "category": _category,
    "flag": _flag,
    "folded": _folded,
    "plain": _plain,
    "number": _number,
}
