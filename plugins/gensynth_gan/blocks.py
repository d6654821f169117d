"""Columns of a table cut into the blocks that a generator writes one after the other."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gensynth.encoding.layout import Layout
from gensynth.model import Batch
from gensynth.nn.tabular.one_hot import OneHotRows

MAX_BLOCKS = 64
"""Blocks that a row is written in, at most: what bounds the time of a step of the game in wide tables."""


@dataclass(frozen=True)
class Block:
    """Some columns of a layout: their positions, their numbers' positions, and what they look like on their own."""

    columns: tuple[int, ...]
    numerics: tuple[int, ...]
    layout: Layout
    given: bool = False

    def pick(self, batch: Batch) -> Batch:
        """Return the block's columns of whole rows."""
        return Batch(batch.numeric[:, list(self.numerics)], batch.codes[:, list(self.columns)])


def cut(layout: Layout, n_given: int) -> tuple[Block, ...]:
    """Return the blocks of a layout: the first columns that are given, if any, then the columns that are written."""
    n = len(layout.columns)
    n_blocks = min(n - n_given, MAX_BLOCKS)
    blocks = [_block(layout, tuple(range(n_given)), given=True)] if n_given else []
    blocks += [_block(layout, tuple(range(n_given + i, n, n_blocks))) for i in range(n_blocks)]
    return tuple(blocks)


def _block(layout: Layout, columns: tuple[int, ...], given: bool = False) -> Block:
    own = [layout.columns[i] for i in columns]
    numerics = tuple(c.numeric for c in own if c.numeric is not None)
    place = {numeric: i for i, numeric in enumerate(numerics)}
    renumbered = (c if c.numeric is None else dataclasses.replace(c, numeric=place[c.numeric]) for c in own)
    return Block(columns, numerics, Layout(tuple(renumbered), layout.n_rows), given)


def flat_order(rows: OneHotRows, parts: list[OneHotRows], blocks: tuple[Block, ...]) -> Tensor:
    """Return where each entry of a flat row stands in the flat rows of the blocks side by side."""
    values = {int(rows.owner[numeric]): i for i, numeric in enumerate(rows.values.tolist())}
    entries: list[int] = []
    for part, block in zip(parts, blocks, strict=True):
        entries += [values[block.columns[int(part.owner[numeric])]] for numeric in part.values.tolist()]
        for group in part.code_slots.groups:
            for i in group.columns:
                first = rows.n_numbers + int(rows.code_slots.offsets[block.columns[i]])
                entries += range(first, first + group.width)
    return torch.tensor(entries).argsort()


def smooth(layout: Layout, rows: OneHotRows, width: int, gain: float) -> Tensor:
    """Return initial weights (rows.width, width) whose rows for neighbouring ordered codes are alike."""
    weight = torch.randn(rows.width, width) * gain
    for column, first in zip(layout.columns, rows.code_slots.offsets.tolist(), strict=True):
        if column.ordered and column.cardinality > 8:
            place = torch.tensor(column.frequencies).cumsum(0).unsqueeze(1) * 2.0 - 1.0
            curve = torch.cos(place * torch.randn(1, width) * 3.0 + torch.rand(width) * 2.0 * math.pi)
            start = rows.n_numbers + first
            weight[start : start + column.cardinality] = math.sqrt(2.0) * gain * curve
    return weight
