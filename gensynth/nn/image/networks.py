"""Networks of rows with an image: convolutions for pixels, networks of tables for other columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from gensynth.layout import ImageLayout, Layout
from gensynth.model import Batch, Score
from gensynth.nn.image.convolutions import ConvDecoder, ConvEncoder, Size, flat_map, halvings
from gensynth.nn.image.decoder import CoarsestMaps, ImageDecoder, IndependentPixels
from gensynth.nn.image.encoder import ImageEncoder, MapEncoder
from gensynth.nn.image.levels import level_networks, level_size
from gensynth.nn.image.likelihood import LogisticMixture
from gensynth.nn.image.local_pixels import LocalPixels
from gensynth.nn.networks import LevelNetworks, RowDecoder
from gensynth.nn.sampling import OneMemberNetworks
from gensynth.nn.tabular.sampling_networks import SamplingNetworks

BASE = 16
"""Channels of maps of the image's own size, doubled with each halving."""
COLUMN_WIDTH, COLUMN_HIDDEN = 64, 32
"""Width of the state that columns share, and of each one's own hidden vector."""
LOGISTICS = 3
"""Logistics in the mixture of a pixel."""
NOISES = (0.1, 0.2, 0.3)
"""Noise levels of the denoising scores, for pixels in (0, 1)."""


class ImageNetworks(OneMemberNetworks):
    """Networks over images and the columns beside them, with one member.

    Parameters
    ----------
    layout : Layout
        What a row looks like, with an image; numbers are within-bin offsets.
    embedding_dim : int
        Width of a cell's embedding.
    dropout : float
        Fraction of units dropped in training, in the networks of the columns.
    """

    weight_decay: ClassVar[float] = 0.01

    def __init__(self, layout: Layout, embedding_dim: int, dropout: float) -> None:
        super().__init__(layout, dropout)
        if layout.image is None:
            raise ValueError("the layout has no image")
        self.image: ImageLayout = layout.image
        self.sizes = halvings(self.image.height, self.image.width)
        table = replace(layout, image=None)
        self.table = SamplingNetworks(table, embedding_dim, dropout) if layout.columns else None
        self.columns = None if self.table is None else self.table.causal_decoder(0, COLUMN_WIDTH, COLUMN_HIDDEN)
        self.loss_scale = 1.0 / (self.image.channels * self.image.height * self.image.width)

    @property
    def grid(self) -> Size:
        """Height and width of the coarsest map."""
        return self.sizes[-1]

    @property
    def n_cells(self) -> int:
        """Number of costs of a row: one for each column, then one for each pixel."""
        return len(self.layout.columns) + self.image.height * self.image.width

    def at_most(self, rows: int) -> int:
        """Return the number of rows whose maps take at most half a gigabyte."""
        return min(rows, max(2**27 // (BASE * self.image.height * self.image.width), 64))

    def inputs(self, batch: Batch, *, differentiable: bool = False) -> Batch:  # noqa: ARG002
        """Return the rows."""
        return batch

    def noisy(self, inputs: Batch, deviation: Tensor, rng: Generator) -> Batch:  # noqa: ARG002
        """Return the rows unchanged: no family adds noise to images."""
        return inputs

    def corrupted(self, inputs: Batch) -> Iterator[Batch]:
        """Yield the rows with the same pixel noise, at several levels."""
        rng = Generator().manual_seed(0)
        noise = torch.randn(inputs.images.shape[1:], generator=rng).to(inputs.images)
        for deviation in NOISES:
            yield replace(inputs, pixels=inputs.images + deviation * noise)

    def encoder(self, hidden: Sequence[int], width_out: int) -> nn.Module:
        """Return convolutions over the pixels, and a perceptron over their coarsest map."""
        return ImageEncoder(self._maps(), hidden, width_out)

    def column_features(self, width: int) -> nn.Module | None:
        """Return a perceptron over the columns; None where there are none."""
        return None if self.table is None else self.table.encoder((COLUMN_WIDTH,), width)

    def decoder(self, width_in: int, hidden: Sequence[int], column_groups: int = 1) -> RowDecoder:  # noqa: ARG002
        """Return pixels that are independent given z."""
        up = ConvDecoder(self.sizes, BASE)
        return self._independent(self._maps_of(flat_map(up.channels, up.size, width_in), up), up)

    def causal_decoder(self, width_in: int, width: int, hidden: int) -> RowDecoder:  # noqa: ARG002
        """Return pixels given their neighbours and z."""
        up = ConvDecoder(self.sizes, BASE)
        start = self._maps_of(flat_map(up.channels, up.size, width_in), up)
        return ImageDecoder(self.layout, LocalPixels(start, up, BASE, hidden, self._likelihood()), self.columns)

    def auxiliary_decoder(self, width_in: int, hidden: Sequence[int]) -> RowDecoder:  # noqa: ARG002
        """Return pixels that are independent given z, without a look at the columns."""
        up = ConvDecoder(self.sizes, BASE)
        start = CoarsestMaps(flat_map(up.channels, up.size, width_in), None)
        return ImageDecoder(self.layout, IndependentPixels(start, up, BASE, self._likelihood()), None)

    @property
    def n_codes_a_row(self) -> int:
        """Number of codes of a row: one for each position of the coarsest map."""
        return self.grid[0] * self.grid[1]

    def code_encoder(self, hidden: Sequence[int], groups: int, dim: int) -> nn.Module:  # noqa: ARG002
        """Return convolutions to one vector for each position, concatenated over a row."""
        return MapEncoder(self._maps(), dim, places_last=False)

    def code_decoder(self, groups: int, dim: int, hidden: Sequence[int], column_groups: int) -> RowDecoder:  # noqa: ARG002
        """Return p(pixels | code-book entries of the positions)."""
        up = ConvDecoder(self.sizes, BASE)
        latents = nn.Sequential(nn.Unflatten(1, (*self.grid, dim)), _ChannelsFirst(), nn.Conv2d(dim, up.channels, 1))
        return self._independent(self._maps_of(latents, up), up)

    def state_encoder(self, width: int) -> nn.Module:
        """Return convolutions to a map of ``width`` channels, flattened."""
        return MapEncoder(self._maps(), width, places_last=True)

    def state_decoder(self, width: int, column_groups: int) -> RowDecoder:  # noqa: ARG002
        """Return p(pixels | map of ``width`` channels), which holds what an image has of its columns."""
        up = ConvDecoder(self.sizes, BASE)
        latents = nn.Sequential(nn.Unflatten(1, (width, *self.grid)), nn.Conv2d(width, up.channels, 1))
        return self._independent(CoarsestMaps(latents, None), up)

    def state_width(self, width: int) -> int:
        """Return the entries of a state of ``width`` channels."""
        return width * self.grid[0] * self.grid[1]

    def level_dims(self, index: int, count: int, latent_dims: Sequence[int]) -> list[int]:
        """Return the latents of a level: ``latent_dims`` channels at each place of its map."""
        height, width = level_size(self.grid, index, count)
        return [dim * height * width for dim in latent_dims]

    def level(
        self, index: int, count: int, width: int, latent_dims: Sequence[int], dim: int, n_flows: int
    ) -> LevelNetworks:
        """Return residual cells of the level's own scale, coarse at the top."""
        return level_networks(self.grid, index, count, width, latent_dims[0], dim, n_flows)

    def score(self, cells: Tensor, latent: Tensor, inputs: Batch, *, attribute: bool) -> Score:  # noqa: ARG002
        """Return scores of rows, columns and pixels; the latent cost is divided evenly over the pixels."""
        k, places = len(self.layout.columns), self.image.height * self.image.width
        pixels = cells[..., k:] + latent.unsqueeze(-1) / places
        shape = (self.image.height, self.image.width)
        return Score(-(cells.sum(-1) + latent), cells[..., :k], pixels.unflatten(-1, shape))

    def _maps(self) -> ConvEncoder:
        return ConvEncoder(self.image.channels, self.sizes, BASE)

    def _likelihood(self) -> LogisticMixture:
        return LogisticMixture(self.image, LOGISTICS)

    def _maps_of(self, latents: nn.Module, up: ConvDecoder) -> CoarsestMaps:
        return CoarsestMaps(latents, self.column_features(up.channels * up.size[0] * up.size[1]))

    def _independent(self, start: CoarsestMaps, up: ConvDecoder) -> ImageDecoder:
        return ImageDecoder(self.layout, IndependentPixels(start, up, BASE, self._likelihood()), self.columns)


class _ChannelsFirst(nn.Module):
    """From (n, h, w, c) to (n, c, h, w)."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.movedim(-1, 1)
