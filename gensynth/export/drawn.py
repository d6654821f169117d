"""Test data for the check of graphs: ordinary and unusual cells, images, and noise for samplers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.engine.capabilities import able
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.sampling.blocks import draw_rows
from gensynth.errors import DataError
from gensynth.export.columns import NOISE, ColumnPort
from gensynth.export.feeds import aligned_feeds
from gensynth.export.ports import codes_of_texts
from gensynth.export.sampler import SamplerPlan
from gensynth.model import Batch
from gensynth.nn.noise import Noise
from gensynth.schema import Column
from gensynth.schema.align import align_column

_SEED = 20
STRANGE = 0.05
"""Fraction of each column's cells in test rows made unusual in each way: missing, extreme, unseen."""


def drawn_frame(fitted: FittedModel, n: int, rng: np.random.Generator, *, strange: bool = True) -> pd.DataFrame:
    """Return rows with the fitted marginals, some of whose cells are unusual.

    Missing cells, numbers and dates far out, categories that were never fitted: where a column can hold such. Of images
    every other one is drawn by the model, and the others are noise.
    """
    encoder = fitted.encoder
    kept = n // 2 if encoder.rules is not None else 0  # rows that keep the relations, and rows that break them
    pixels = _drawn_pixels(fitted, n, rng)
    parts = [(encoder, slice(kept)), (encoder.plain, slice(kept, n))]
    frame = pd.concat(
        [_drawn(own, part, pixels, rng) for own, part in parts if part.stop > (part.start or 0)], ignore_index=True
    )
    for name, own in encoder.columns.items() if strange else ():
        frame[name] = _with_strange_cells(frame[name], own, encoder.schema[name], rng)
    return frame


def _drawn_pixels(fitted: FittedModel, n: int, rng: np.random.Generator) -> NDArray[np.float32] | None:
    """Return pixels (n, channels, height, width): drawn by the model, if it can draw, and noise in turn."""
    image = fitted.encoder.layout.image
    if image is None:
        return None
    pixels = rng.random((n, *image.shape), dtype=np.float32)
    if able(fitted.recipe, "sample"):
        drawn = draw_rows(fitted.model, (n + 1) // 2, int(rng.integers(2**32))).pixels
        assert drawn is not None
        pixels[::2] = drawn
    return pixels


def _drawn(
    encoder: TableEncoder, part: slice, pixels: NDArray[np.float32] | None, rng: np.random.Generator
) -> pd.DataFrame:
    """Return decoded rows, a part of all, whose codes are independent of each other."""
    layout, n = encoder.layout, part.stop - (part.start or 0)
    codes = np.zeros((n, len(layout.columns)), dtype=np.int32)
    numeric = rng.random((n, layout.n_numeric))
    for i, column in enumerate(layout.columns):
        shares = np.asarray(column.frequencies)
        if shares.sum() > 0:
            codes[:, i] = rng.choice(len(shares), n, p=shares / shares.sum())
        if column.holds("continuous") and column.numeric is not None:
            numeric[:, column.numeric.index] = rng.standard_normal(n) * rng.choice([0.5, 1.0, 3.0], n)
    return encoder.decode(Rows(numeric, codes, pixels=None if pixels is None else pixels[part]), rng)


def _with_strange_cells(series: pd.Series[Any], own: Any, column: Column, rng: np.random.Generator) -> pd.Series[Any]:
    """Return the cells, some replaced by unusual ones that the column accepts."""
    for strange in _strange_values(series, own):
        cells = series.astype(object)
        cells[rng.random(len(cells)) < STRANGE] = strange
        try:
            align_column(cells, column)
        except (DataError, TypeError, ValueError, OverflowError):
            continue
        series = cells
    return series


def _strange_values(series: pd.Series[Any], own: Any) -> list[Any]:
    if isinstance(own, CategoryEncoder):
        levels = own.labels.index.tolist()
        new: Any = "never seen" if not levels or isinstance(levels[0], str) else 987_654_321
        if own.column.kind == "boolean":  # a boolean input has no missing cells
            return [None] if own.n_missing else []
        return [None, new]
    assert isinstance(own, NumberEncoder)
    if own.column.kind != "numeric" or own.column.notation is not None or own.n_specials:
        return [None, "never seen"]
    present = series.dropna()
    if own.column.decimals == 0:
        return [None, 10**15, -3]
    return [None, 1e300, -1e12] if len(present) else [None]


@dataclass(frozen=True)
class SamplerInputs:
    """Inputs for the check of a sampler: noise and given cells.

    Parameters
    ----------
    noise : Noise
        Of n rows.
    given : list of Tensor of shape (n,)
        Cells as functions of tensors take them.
    feeds : dict of str to ndarray
        All of it as the graph takes it.
    """

    noise: Noise
    given: list[Tensor]
    feeds: dict[str, NDArray[Any]]

    @classmethod
    def draw(cls, plan: SamplerPlan, n: int) -> Self:
        """Draw inputs of n rows."""
        noise, encoder = plan.widths.draw(n, Generator().manual_seed(_SEED)), plan.fitted.encoder
        feeds = {name: part.numpy() for name, part in zip(NOISE, noise, strict=True) if part.shape[1]}
        if not plan.given:
            return cls(noise, [], feeds)
        frame = encoder.schema.align(drawn_frame(plan.fitted, n, np.random.default_rng(_SEED), strange=False))
        cells = aligned_feeds(frame, encoder.schema, plan.given)
        given = [as_read(encoder, port, cells[port.name][:, 0]) for port in plan.given]
        return cls(noise, given, feeds | cells)

    def rows(self, plan: SamplerPlan, size: int) -> Rows:
        """Return the rows that the model makes of it, so many at a time."""
        parts = []
        with torch.no_grad():
            for start in range(0, len(self.noise.uniform), size):
                part = slice(start, start + size)
                noise = Noise(self.noise.uniform[part], self.noise.normal[part])
                parts.append(plan.rows(noise, [cells[part] for cells in self.given]))
        drawn = Batch.cat(parts)
        pixels = None if drawn.pixels is None else drawn.pixels.numpy()
        return Rows(drawn.numeric.double().numpy(), drawn.codes.numpy().astype(np.int32), pixels=pixels)


def as_read(encoder: TableEncoder, port: ColumnPort, cells: NDArray[Any]) -> Tensor:
    """Return the cells (n,) of an input as functions of tensors take them: of texts the level, or the place."""
    if port.type != "string":
        return torch.from_numpy(cells)
    texts, other = codes_of_texts(encoder, port)
    return torch.tensor([texts.get(text, other) for text in cells.tolist()])
