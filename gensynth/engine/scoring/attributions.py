"""Attribution of scores to columns, and the conditional interval of a cell given the rest of its row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from gensynth.encoding.columns import Cells
from gensynth.encoding.related import blamed_column
from gensynth.encoding.related_rows import decode_column
from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.engine.scoring.row_scores import by_member, score_blocks
from gensynth.layout import ColumnLayout, Layout
from gensynth.model import Batch, GenerativeModel, Score


def member_attributions(scorer: GenerativeModel, rows: Rows, method: str) -> NDArray[np.float64]:
    """Return (members, n, k): the contribution of each column to minus the score; a row sums to it.

    See `attributions_of`.
    """
    parts = []
    for _, batch in score_blocks(scorer, rows):
        found = attributions_of(scorer, batch, method, scorer.score(batch, method, attribute=True))
        parts.append(found.detach().double().cpu().numpy())
    return np.concatenate(parts, axis=1)[:, : len(rows)]


def attributions_of(scorer: GenerativeModel, batch: Batch, method: str, score: Score) -> Tensor:
    """Return (members, n, k): the contribution of each column to minus ``score``, computed with attribution.

    A model that has no decomposition of its own is asked what each cell costs: how much better the row would score
    with the most frequent value in its place. What these gains leave of the score is divided evenly. Where rows have
    images there is one column more, the last one, of the image as a whole; it has what the others leave.
    """
    found = _occlusion(scorer, batch, method) if score.columns is None else by_member(score.columns, 2)
    if batch.pixels is None:
        return found
    image = -by_member(score.rows, 1) - found.sum(-1)
    return torch.cat([found, image.unsqueeze(-1)], -1)


def member_maps(scorer: GenerativeModel, rows: Rows, method: str) -> NDArray[np.float64] | None:
    """Return (members, n, height, width): the contribution of each pixel to minus the score.

    None if the family cannot say by this method.
    """
    parts = []
    for _, batch in score_blocks(scorer, rows):
        pixels = scorer.score(batch, method, attribute=True).pixels
        if pixels is None:
            return None
        parts.append(by_member(pixels, 3).detach().double().cpu().numpy())
    return np.concatenate(parts, axis=1)[:, : len(rows)]


@torch.no_grad()
def _occlusion(scorer: GenerativeModel, batch: Batch, method: str) -> Tensor:
    score = by_member(scorer.score(batch, method).rows, 1)
    if not scorer.layout.columns:
        return score.new_zeros(*score.shape, 0)
    gains = torch.stack([by_member(scorer.score(_typical_in(scorer.layout, batch, i), method).rows, 1) - score
                         for i in range(len(scorer.layout.columns))], -1)  # fmt: skip
    if batch.pixels is not None:
        return gains
    return gains + ((-score - gains.sum(-1)) / gains.shape[-1]).unsqueeze(-1)


def _typical_in(layout: Layout, batch: Batch, position: int) -> Batch:
    """Return the rows with one column replaced by its most frequent code and the centre of its numbers."""
    column = layout.columns[position]
    codes, numeric, jacobian = batch.codes.clone(), batch.numeric.clone(), batch.log_jacobian
    codes[:, position] = int(np.argmax(column.frequencies))
    if column.numeric is not None:
        numeric[:, column.numeric.index] = column.numeric.middle
        if jacobian is not None:
            jacobian = jacobian.clone()
            jacobian[:, column.numeric.index] = 0.0
    return Batch(numeric, codes, jacobian, batch.pixels)


def by_table_column(attributions: NDArray[np.float64], encoder: TableEncoder) -> dict[str | int, NDArray[np.float64]]:
    """Return (n,) attributions of each column of the table from those of the layout (n, k).

    That of a link is the later column's, that of a relation the column's that follows from the others; the image's is
    the last one.
    """
    found = {name: attributions[:, i].copy() for name, i in encoder.position.items()}
    found |= {name: np.zeros(len(attributions)) for name in encoder.implied}
    for i, link in encoder.links.items():
        found[link.later] += attributions[:, i]
    for i, rule in encoder.checks.items():
        found[blamed_column(rule)] += attributions[:, i]
    if encoder.image is not None:
        found[encoder.image.name] = attributions[:, -1]
    return {c.name: found[c.name] if c.name in found else np.zeros(len(attributions)) for c in encoder.schema.columns}


def expected_values(
    scorer: GenerativeModel, encoder: TableEncoder, rows: Rows, name: str | int
) -> tuple[pd.Series[Any], pd.Series[Any]] | None:
    """Return the expected interval of a column given the other cells: low and high, or one value twice.

    None if the family cannot say.
    """
    position = encoder.position[name]
    found: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    with torch.no_grad():
        for _, batch in score_blocks(scorer, rows):
            pair = scorer.conditional_interval(batch, position)
            if pair is None:
                return None
            low, high = (end.double().cpu().numpy() for end in pair)
            found.append((low, high))
    ends = [np.concatenate(end)[: len(rows)] for end in zip(*found, strict=True)]
    column = encoder.layout.columns[position]
    decoded = []
    for values in ends:
        decoded.append(decode_column(encoder, rows, name, _cells_at(values, column)))
    return decoded[0], decoded[1]


def _cells_at(values: NDArray[np.float64], column: ColumnLayout) -> Cells:
    """Return cells at ends of `GenerativeModel.conditional_interval`: codes, or "continuous" numbers."""
    slot = column.numeric
    if slot is None:
        return Cells(values.astype(np.int32), None)
    if slot.kind == "continuous":
        return Cells(np.full(len(values), slot.codes.start, np.int32), values)
    return Cells(values.astype(np.int32), np.full(len(values), slot.middle))
