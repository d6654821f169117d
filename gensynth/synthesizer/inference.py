"""Drawing and scoring encoded rows with a trained model, in chunks that bound the memory."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator

from gensynth.encoding.layout import UNKNOWN, Layout, Rows
from gensynth.errors import PluginError
from gensynth.model import Batch, Condition, GenerativeModel
from gensynth.training import forked_random


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
        ``n`` rows with those cells.

    Raises
    ------
    PluginError
        The model changed given cells.
    """
    layout = model.layout
    device, dtype = place_of(model)
    codes = np.zeros((n, len(layout.columns)), dtype=np.int32)
    numeric = np.zeros((n, layout.n_numeric))
    # with given cells a model may try dozens of candidates a row
    chunk = _chunk(layout, (2_048 if device.type == "cpu" else 16_384) if given is None else 1_024)
    noise = Generator(device).manual_seed(seed)
    model.eval()
    with torch.no_grad(), forked_random(seed, device):
        for start in range(0, n, chunk):
            part = slice(start, min(start + chunk, n))
            condition = None
            if given is not None and columns:
                fixed = Rows(given.numeric[part], given.codes[part])
                condition = Condition(columns, to_batch(fixed, dtype).to(device))
            drawn = model.generate(part.stop - start, noise, condition)
            codes[part] = drawn.codes.cpu().numpy()
            numeric[part] = drawn.numeric.cpu().numpy()
    if given is not None:
        _put_given(codes, numeric, columns, given, layout)
    return Rows(numeric, codes)


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
    with torch.no_grad(), forked_random(seed, device):
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

    Raises
    ------
    PluginError
        A score is not finite.
    """
    device, dtype = place_of(scorer)
    chunk = score_chunk(scorer.layout, device)
    scores = np.empty(len(rows))
    with torch.no_grad(), forked_random(0, device):
        for start in range(0, len(rows), chunk):
            part = slice(start, start + chunk)
            jacobian = None if rows.log_jacobian is None else rows.log_jacobian[part]
            batch = to_batch(Rows(rows.numeric[part], rows.codes[part], jacobian), dtype)
            scores[part] = scorer.score(batch.to(device), method).double().cpu().numpy()
    bad = ~np.isfinite(scores)
    if bad.any():
        row = int(np.argmax(bad))
        raise PluginError(
            f"{type(scorer).__name__} gives row {row} the score {scores[row]:g}, and {int(bad.sum())} of {len(rows)} "
            "rows one that is not finite; no label can be told from it: report this to the model's authors, or use "
            "another model or score method"
        )
    return scores


def to_batch(rows: Rows, dtype: torch.dtype) -> Batch:
    """Return encoded rows as tensors, numbers in ``dtype``."""
    jacobian = None if rows.log_jacobian is None else torch.tensor(rows.log_jacobian, dtype=dtype)
    return Batch(torch.tensor(rows.numeric, dtype=dtype), torch.tensor(rows.codes, dtype=torch.int64), jacobian)


def place_of(model: GenerativeModel) -> tuple[torch.device, torch.dtype]:
    """Return device and floating type of a model's parameters."""
    parameter = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(()))
    return parameter.device, parameter.dtype


def score_chunk(layout: Layout, device: torch.device) -> int:
    """Return rows that are scored at a time."""
    # on a CPU larger chunks leave the cache, and their memory is mapped anew each time: half the speed
    return _chunk(layout, 256 if device.type == "cpu" else 4096)


def _chunk(layout: Layout, most: int) -> int:
    """Return rows whose logits take at most 128 MB in float32."""
    return min(max(2**25 // max(sum(layout.cardinalities), 1), 256), most)


def _put_given(
    codes: NDArray[np.int32], numeric: NDArray[np.float64], columns: tuple[int, ...], given: Rows, layout: Layout
) -> None:
    """Check that the model kept the given codes, and put in their numbers, which a model saw in float32 only."""
    for position in columns:
        column = layout.columns[position]
        if not np.array_equal(codes[:, position], given.codes[:, position]):
            raise PluginError(f"the model changed given cells of column {column.name!r}; report this to its authors")
        if column.numeric is not None:
            numeric[:, column.numeric] = given.numeric[:, column.numeric]
