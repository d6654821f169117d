"""Drawing and scoring encoded rows with a trained model, in chunks that bound the memory."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from gensynth.encoding.layout import UNKNOWN, Layout, Rows
from gensynth.errors import PluginError
from gensynth.model import Batch, Condition, GenerativeModel
from gensynth.training.devices import derive_seed

LEAST_DRAWN = 64
"""Rows of the first block of a sample."""
BITS = 32
"""Significant bits of a score, more than 9 digits: what is lost below them is the rounding of the sums behind it."""
CLOSE = 2.0**-10
"""Distance from the middle of two such numbers, in theirs, at which a row is scored again, on its own."""


def draw_rows(
    model: GenerativeModel, n: int, seed: int, columns: tuple[int, ...] = (), given: Rows | None = None
) -> Rows:
    """Return ``n`` encoded rows; the cells of ``columns`` are those of ``given``.

    Parameters
    ----------
    model : GenerativeModel
        Trained; runs in eval mode without gradients.
    n : int
        Number of rows, >= 0.
    seed : int
        Seed in [0, 2**63).
    columns : tuple of int
        Positions in the layout of the cells that are given.
    given : Rows or None
        ``n`` rows with those cells, or as many as whole blocks hold (`draw_blocks`).

    Raises
    ------
    PluginError
        The model changed given cells.
    """
    layout = model.layout
    device, dtype = place_of(model)
    codes = np.zeros((n, len(layout.columns)), dtype=np.int32)
    numeric = np.zeros((n, layout.n_numeric))
    model.eval()
    with torch.no_grad():
        for number, (start, stop) in enumerate(draw_blocks(model, n, conditioned=given is not None)):
            condition = None
            if given is not None and columns:
                at = np.minimum(np.arange(start, stop), len(given) - 1)
                fixed = Rows(given.numeric[at], given.codes[at])
                condition = Condition(columns, to_batch(fixed, dtype).to(device))
            noise = Generator(device).manual_seed(derive_seed(seed, number))
            drawn = model.generate(stop - start, noise, condition)
            part = slice(start, min(stop, n))
            codes[part] = drawn.codes[: n - start].cpu().numpy()
            numeric[part] = drawn.numeric[: n - start].cpu().numpy()
    if given is not None:
        _put_given(codes, numeric, columns, given, layout)
    return Rows(numeric, codes)


def draw_blocks(model: GenerativeModel, n: int, *, conditioned: bool) -> list[tuple[int, int]]:
    """Return the half-open blocks of rows that are drawn at a time, each from a seed of its own.

    They are the same for every n, the last one is drawn whole: the rows of a small sample are the first of a large one.
    Blocks grow, so that a few rows take little time and many are drawn at full speed.
    """
    device, _ = place_of(model)
    # with given cells a model may try dozens of candidates a row
    most = _chunk(model.layout, 1_024 if conditioned else 2_048 if device.type == "cpu" else 16_384)
    blocks, start = [], 0
    while start < n:
        stop = start + min(max(start, LEAST_DRAWN), most)
        blocks.append((start, stop))
        start = stop
    return blocks


def whole_blocks(model: GenerativeModel, n: int) -> int:
    """Return the rows that are drawn for n rows with given cells, the last block whole."""
    blocks = draw_blocks(model, n, conditioned=True)
    return blocks[-1][1] if blocks else 0


def complete_rows(model: GenerativeModel, rows: Rows, seed: int, missing: NDArray[np.bool_]) -> Rows:
    """Return the rows with their missing cells drawn given the others.

    Parameters
    ----------
    model : GenerativeModel
        Trained; runs in eval mode without gradients.
    rows : Rows
        Encoded rows.
    seed : int
        Seed in [0, 2**63).
    missing : ndarray of shape (n, k), bool
        The cells to be drawn.

    Raises
    ------
    CapabilityError
        The family cannot fill in cells.
    PluginError
        The model changed given cells, or drew one as missing or unknown.
    """
    layout = model.layout
    device, dtype = place_of(model)
    codes = np.where(missing, UNKNOWN, rows.codes)
    numeric = rows.numeric.copy()
    for position, column in enumerate(layout.columns):
        if column.numeric is not None:
            numeric[missing[:, position], column.numeric] = 0.0
    chunk = _chunk(layout, 1_024)
    noise = Generator(device).manual_seed(seed)
    drawn = []
    model.eval()
    with torch.no_grad():
        for start in range(0, len(rows), chunk):
            part = slice(start, start + chunk)
            batch = to_batch(Rows(numeric[part], codes[part]), dtype).to(device)
            drawn.append(model.complete(batch, torch.tensor(missing[part], device=device), noise).to("cpu"))
    new = Batch.cat(drawn)
    new_codes, new_numeric = new.codes.numpy().astype(np.int32), new.numeric.double().numpy()
    for position, column in enumerate(layout.columns):
        gap = missing[:, position]
        own = new_codes[:, position]
        if (own[~gap] != codes[~gap, position]).any():
            raise PluginError(f"the model changed given cells of column {column.name!r}; report this to its authors")
        if np.isin(own[gap], (UNKNOWN, UNKNOWN if column.missing is None else column.missing)).any():
            raise PluginError(f"the model left cells of column {column.name!r} missing; report this to its authors")
        if column.numeric is not None:
            numeric[gap, column.numeric] = new_numeric[gap, column.numeric]
    return Rows(numeric, new_codes)


def make_scorer(model: GenerativeModel) -> GenerativeModel:
    """Return a float64 copy in eval mode: in float32 a row's score would depend on the size of its batch."""
    device, _ = place_of(model)
    return copy.deepcopy(model).to("cpu" if device.type == "mps" else device).double().eval()


def score_rows(scorer: GenerativeModel, rows: Rows, method: str | None = None) -> NDArray[np.float64]:
    """Return (n,) scores of ``rows`` (with their ``log_jacobian``), higher = more normal.

    A row's score is the same number, bit by bit, alone, among others and in any order: matrix products round a row
    differently at another place among other rows, so that scores are rounded to `BITS`. The few that lie where that
    difference might decide between two numbers are those of the row on its own.

    Raises
    ------
    PluginError
        A score is not finite.
    """
    scores = np.empty(len(rows))
    for part, batch in score_blocks(scorer, rows):
        scores[part] = _scores(scorer, batch, method)
    bad = ~np.isfinite(scores)
    if bad.any():
        row = int(np.argmax(bad))
        raise PluginError(
            f"{type(scorer).__name__} gives row {row} the score {scores[row]:g}, and {int(bad.sum())} of {len(rows)} "
            "rows one that is not finite; no label can be told from it: report this to the model's authors, or use "
            "another model or score method"
        )
    for at in np.flatnonzero(_distance(scores) < CLOSE).tolist():
        ((_, batch),) = score_blocks(scorer, rows[at : at + 1])
        scores[at] = _scores(scorer, batch, method)[0]
    return np.rint(scores / _unit(scores)) * _unit(scores)


def member_mean(values: Tensor, n_axes: int) -> Tensor:
    """Return the mean over the members of values with ``n_axes`` axes besides; of one network the values."""
    return values if values.dim() == n_axes else values.mean(0)


@torch.no_grad()
def _scores(scorer: GenerativeModel, batch: Batch, method: str | None) -> NDArray[np.float64]:
    return np.asarray(member_mean(scorer.score(batch, method).rows, 1).double().cpu().numpy())


def _unit(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the last of `BITS` significant bits counts, at least that of 0.001."""
    exponents = np.frexp(np.maximum(np.abs(scores), 2.0**-10))[1]
    return np.asarray(np.ldexp(1.0, exponents - BITS), dtype=np.float64)


def _distance(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far scores lie from where they would be rounded up instead of down, in units."""
    steps = scores / _unit(scores)
    return np.asarray(np.abs(steps - np.floor(steps) - 0.5))


def to_batch(rows: Rows, dtype: torch.dtype) -> Batch:
    """Return encoded rows as tensors, numbers in ``dtype``."""
    jacobian = None if rows.log_jacobian is None else torch.tensor(rows.log_jacobian, dtype=dtype)
    return Batch(torch.tensor(rows.numeric, dtype=dtype), torch.tensor(rows.codes, dtype=torch.int64), jacobian)


def place_of(model: GenerativeModel) -> tuple[torch.device, torch.dtype]:
    """Return device and floating type of a model's parameters."""
    parameter = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(()))
    return parameter.device, parameter.dtype


def score_blocks(scorer: GenerativeModel, rows: Rows) -> Iterator[tuple[slice, Batch]]:
    """Yield the rows in blocks that are scored at a time, and where each stands."""
    device, dtype = place_of(scorer)
    # on a CPU larger blocks leave the cache, and their memory is mapped anew each time: half the speed
    size = _chunk(scorer.layout, 256 if device.type == "cpu" else 4096)
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        yield part, to_batch(rows[part], dtype).to(device)


def _chunk(layout: Layout, most: int) -> int:
    """Return rows whose logits take at most 128 MB in float32."""
    return min(max(2**25 // max(sum(layout.cardinalities), 1), 256), most)


def _put_given(
    codes: NDArray[np.int32], numeric: NDArray[np.float64], columns: tuple[int, ...], given: Rows, layout: Layout
) -> None:
    """Check that the model kept the given codes, and put in their numbers, which a model saw in float32 only."""
    for position in columns:
        column = layout.columns[position]
        if not np.array_equal(codes[:, position], given.codes[: len(codes), position]):
            raise PluginError(f"the model changed given cells of column {column.name!r}; report this to its authors")
        if column.numeric is not None:
            numeric[:, column.numeric] = given.numeric[: len(codes), column.numeric]
