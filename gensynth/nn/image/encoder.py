"""An encoder of rows with an image: convolutions over the pixels, and the cells of the columns."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from gensynth.batch import Batch
from gensynth.nn.image.convolutions import ConvEncoder
from gensynth.nn.layers import ResidualMLP


class ImageEncoder(nn.Module):
    """From rows to vectors: the flattened map of the image and the features of the columns, then a perceptron.

    Parameters
    ----------
    maps : ConvEncoder
        Of the pixels.
    columns : Module or None
        From rows to features (1, n, width) of the columns; None where there are none.
    n_columns : int
        Their width.
    hidden : sequence of int
        Hidden widths of the perceptron.
    width_out : int
        Width of the output.
    """

    def __init__(
        self, maps: ConvEncoder, columns: nn.Module | None, n_columns: int, hidden: Sequence[int], width_out: int
    ) -> None:
        super().__init__()
        self.maps, self.columns = maps, columns
        width = maps.channels * maps.size[0] * maps.size[1] + (n_columns if columns is not None else 0)
        self.network = ResidualMLP(width, hidden, width_out)
        nn.init.zeros_(self.network.out.bias)

    def forward(self, batch: Batch) -> Tensor:
        """Return (1, n, width_out)."""
        assert batch.pixels is not None
        h = self.maps(batch.pixels).flatten(1)
        if self.columns is not None:
            h = torch.cat([h, F.silu(self.columns(batch)[0])], 1)
        out: Tensor = self.network(h)
        return out.unsqueeze(0)


class MapEncoder(nn.Module):
    """From rows to maps, flattened: the map of the image, moved everywhere by the features of the columns.

    Parameters
    ----------
    maps : ConvEncoder
        Of the pixels.
    columns : Module or None
        From rows to features (1, n, channels) of the columns; None where there are none.
    channels : int
        Of the output.
    places_last : bool
        Whether the channels of a place stand together in the output, or the places of a channel.
    """

    def __init__(self, maps: ConvEncoder, columns: nn.Module | None, channels: int, *, places_last: bool) -> None:
        super().__init__()
        self.maps, self.columns, self.places_last = maps, columns, places_last
        self.out = nn.Conv2d(maps.channels, channels, 1)

    def forward(self, batch: Batch) -> Tensor:
        """Return (1, n, channels * h * w)."""
        assert batch.pixels is not None
        h: Tensor = self.out(self.maps(batch.pixels))
        if self.columns is not None:
            h = h + self.columns(batch)[0].unsqueeze(-1).unsqueeze(-1)
        if not self.places_last:
            h = F.layer_norm(h.movedim(1, -1), h.shape[1:2])  # as wide as the entries of a code book are at first
        return h.flatten(1).unsqueeze(0)
