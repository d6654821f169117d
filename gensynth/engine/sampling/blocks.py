"""Sampling of encoded rows and of missing cells with a trained model, in blocks of bounded memory."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator

from gensynth.encoding.rows import Rows
from gensynth.engine.tensors import block_size, place_of, to_batch
from gensynth.errors import PluginError
from gensynth.layout import UNKNOWN, Layout
from gensynth.model import Batch, GenerativeModel, Observed
from gensynth.training.devices import derive_seed

MIN_DRAWN = 64
"""Rows of the first block of a sample."""


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
    rows = Rows.zeros(n, layout)
    model.eval()
    with torch.no_grad():
        for number, (start, stop) in enumerate(draw_blocks(model, n, conditioned=given is not None)):
            observed = None
            if given is not None and columns:
                at = np.minimum(np.arange(start, stop), len(given) - 1)
                observed = Observed.of_columns(columns, to_batch(given[at], dtype).to(device))
            noise = Generator(device).manual_seed(derive_seed(seed, number))
            drawn = model.generate(stop - start, noise, observed)
            put_drawn(rows, drawn, start)
    if given is not None:
        _put_given(rows.codes, rows.numeric, columns, given, layout)
    return rows


def put_drawn(rows: Rows, drawn: Batch, start: int) -> None:
    """Write sampled rows into an array from ``start`` on, dropping those beyond its end.

    Raises
    ------
    PluginError
        There is no image of the layout's shape where there should be one.
    """
    part = slice(start, min(start + len(drawn), len(rows)))
    n = len(rows) - start
    rows.codes[part], rows.numeric[part] = drawn.codes[:n].cpu().numpy(), drawn.numeric[:n].cpu().numpy()
    if rows.pixels is None:
        return
    if drawn.pixels is None or drawn.pixels.shape[1:] != rows.pixels.shape[1:]:
        what = "no images" if drawn.pixels is None else f"images of shape {tuple(drawn.pixels.shape[1:])}"
        raise PluginError(f"the model drew {what}, expected {rows.pixels.shape[1:]}; report this to its authors")
    rows.pixels[part] = drawn.pixels[:n].float().cpu().numpy()


def draw_blocks(model: GenerativeModel, n: int, *, conditioned: bool) -> list[tuple[int, int]]:
    """Return the half-open blocks of rows that are sampled together, each with a seed of its own.

    They are the same for every n, the last one is drawn whole: the rows of a small sample are the first of a large one.
    Blocks grow, so that a few rows take little time and many are drawn at full speed.
    """
    device, _ = place_of(model)
    # with given cells a model may try dozens of candidates a row
    most = block_size(model.layout, 1_024 if conditioned else 2_048 if device.type == "cpu" else 16_384)
    blocks, start = [], 0
    while start < n:
        stop = start + min(max(start, MIN_DRAWN), most)
        blocks.append((start, stop))
        start = stop
    return blocks


def whole_blocks(model: GenerativeModel, n: int) -> int:
    """Return the number of rows to sample for n rows with given cells, in whole blocks."""
    blocks = draw_blocks(model, n, conditioned=True)
    return blocks[-1][1] if blocks else 0


def impute_rows(model: GenerativeModel, rows: Rows, seed: int, missing: NDArray[np.bool_]) -> Rows:
    """Return the rows with their missing cells sampled given the others.

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
            numeric[missing[:, position], column.numeric.index] = 0.0
    chunk = block_size(layout, 1_024)
    noise = Generator(device).manual_seed(seed)
    drawn = []
    model.eval()
    with torch.no_grad():
        for start in range(0, len(rows), chunk):
            part = slice(start, start + chunk)
            some = Rows(numeric[part], codes[part], pixels=None if rows.pixels is None else rows.pixels[part])
            batch = to_batch(some, dtype).to(device)
            observed = Observed(batch, torch.tensor(~missing[part], device=device), impute=True)
            drawn.append(model.generate(len(batch), noise, observed).to("cpu"))
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
            numeric[gap, column.numeric.index] = new_numeric[gap, column.numeric.index]
    return Rows(numeric, new_codes, pixels=rows.pixels)


def _put_given(
    codes: NDArray[np.int32], numeric: NDArray[np.float64], columns: tuple[int, ...], given: Rows, layout: Layout
) -> None:
    """Check that the model kept the given codes, and restore their numbers in float64."""
    for position in columns:
        column = layout.columns[position]
        if not np.array_equal(codes[:, position], given.codes[: len(codes), position]):
            raise PluginError(f"the model changed given cells of column {column.name!r}; report this to its authors")
        if column.numeric is not None:
            numeric[:, column.numeric.index] = given.numeric[: len(codes), column.numeric.index]
