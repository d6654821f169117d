"""Inputs and outputs of models: encoded rows on a device, observed cells, and scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from gensynth.layout import Layout


@dataclass(frozen=True)
class Batch:
    """Encoded rows on a device, see `gensynth.layout.Layout`.

    Parameters
    ----------
    numeric : Tensor of shape (n, d), float
        The numbers beside codes.
    codes : Tensor of shape (n, k), int64
        A code for every column.
    log_jacobian : Tensor of shape (n, d) or None
        Only for rows to be scored: a likelihood adds it to become a density over values.
    pixels : Tensor of shape (n, channels, height, width), float in [0, 1], or None
        The image of each row, if the layout has one.
    """

    numeric: Tensor
    codes: Tensor
    log_jacobian: Tensor | None = None
    pixels: Tensor | None = None

    def __len__(self) -> int:
        return self.codes.shape[0]

    @property
    def device(self) -> torch.device:
        """Device of the rows."""
        return self.codes.device

    @property
    def images(self) -> Tensor:
        """The pixels, of rows that have an image."""
        assert self.pixels is not None
        return self.pixels

    def __getitem__(self, rows: Tensor | slice) -> Batch:
        """Rows by a slice or an index tensor (an index_select)."""
        return self._map(lambda t: t[rows] if isinstance(rows, slice) else t.index_select(0, rows))

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Batch:
        """Move to a device; ``dtype`` casts the floating parts only."""
        return self._map(lambda t: t.to(device, dtype) if t.is_floating_point() else t.to(device))

    def repeated(self, times: int) -> Batch:
        """Return the rows tiled ``times`` times: all rows, then all of them again."""
        return self._map(lambda t: t.repeat(times, *(1,) * (t.dim() - 1)))

    def subsample(self, max_rows: int, rng: Generator) -> Batch:
        """Return at most ``max_rows`` rows, drawn at random; all of them where there are no more."""
        if len(self) <= max_rows:
            return self
        return self[torch.randperm(len(self), generator=rng, device=self.codes.device)[:max_rows]]

    @staticmethod
    def cat(parts: list[Batch]) -> Batch:
        """Stack batches (without their ``log_jacobian``)."""
        images = [p.pixels for p in parts if p.pixels is not None]
        return Batch(
            torch.cat([p.numeric for p in parts]),
            torch.cat([p.codes for p in parts]),
            pixels=torch.cat(images) if images else None,
        )

    def _map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """Return a batch of changed tensors."""
        log_jacobian, pixels = (None if t is None else change(t) for t in (self.log_jacobian, self.pixels))
        return Batch(change(self.numeric), change(self.codes), log_jacobian, pixels)


@dataclass(frozen=True)
class Observed:
    """Observed cells: the conditions of a sample, or the cells beside missing ones in imputation.

    Parameters
    ----------
    rows : Batch
        n rows; unobserved cells may have any value.
    mask : Tensor of shape (n, k), bool
        Which cells are observed.
    impute : bool
        Whether the other cells are imputed: none of them may be sampled as missing.
    known_columns : tuple of int or None
        The observed columns, if they are the same in all rows; None: determined from the mask.
    """

    rows: Batch
    mask: Tensor
    impute: bool = False
    known_columns: tuple[int, ...] | None = None

    @classmethod
    def of_columns(cls, columns: tuple[int, ...], rows: Batch) -> Observed:
        """Return the cells of these columns, in every row."""
        mask = torch.zeros_like(rows.codes, dtype=torch.bool)
        mask[:, list(columns)] = True
        return cls(rows, mask, known_columns=columns)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Tensor) -> Observed:
        """Rows by an index tensor."""
        return replace(self, rows=self.rows[rows], mask=self.mask.index_select(0, rows))

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns with at least one observed cell."""
        if self.known_columns is not None:
            return tuple(sorted(self.known_columns))
        return tuple(self.mask.any(0).nonzero().flatten().tolist())

    def put_into(self, drawn: Batch, layout: Layout) -> Batch:
        """Return sampled rows with the observed cells inserted exactly."""
        numbered = [(i, c.numeric.index) for i, c in enumerate(layout.columns) if c.numeric is not None]
        numeric = drawn.numeric
        if numbered:
            columns, slots = torch.tensor(numbered, device=self.mask.device).unbind(1)
            mask = torch.zeros_like(drawn.numeric, dtype=torch.bool)
            mask[:, slots] = self.mask.index_select(1, columns)
            numeric = torch.where(mask, self.rows.numeric, drawn.numeric)
        return replace(drawn, numeric=numeric, codes=torch.where(self.mask, self.rows.codes, drawn.codes))


@dataclass(frozen=True)
class Score:
    """Scores of rows, higher = more normal.

    Parameters
    ----------
    rows : Tensor of shape (n,) or (members, n)
        Scores; for an ensemble, those of each network.
    columns : Tensor of shape (n, k) or (members, n, k), or None
        Contribution of each column to minus the score; a row sums to it, together with its pixels. None if the family
        has no attribution.
    pixels : Tensor of shape (n, height, width) or (members, n, height, width), or None
        Contribution of each pixel to minus the score.
    """

    rows: Tensor
    columns: Tensor | None = None
    pixels: Tensor | None = None
