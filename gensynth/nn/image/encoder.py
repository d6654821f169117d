"""Encoders of images: convolutions to a small feature map, and heads on it."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from gensynth.batch import Batch
from gensynth.nn.image.convolutions import ConvEncoder
from gensynth.nn.layers import ResidualMLP


class ImageEncoder(nn.Module):
    """Encoder from images to vectors: flattened feature map, then a perceptron.

    Parameters
    ----------
    maps : ConvEncoder
        Of the pixels.
    hidden : sequence of int
        Hidden widths of the perceptron.
    width_out : int
        Width of the output.
    """

    def __init__(self, maps: ConvEncoder, hidden: Sequence[int], width_out: int) -> None:
        super().__init__()
        self.maps = maps
        self.network = ResidualMLP(maps.channels * maps.size[0] * maps.size[1], hidden, width_out)
        nn.init.zeros_(self.network.out.bias)

    def forward(self, batch: Batch) -> Tensor:
        """Return (1, n, width_out)."""
        out: Tensor = self.network(self.maps(batch.images).flatten(1))
        return out.unsqueeze(0)


class MapEncoder(nn.Module):
    """Encoder from images to flattened feature maps.

    Parameters
    ----------
    maps : ConvEncoder
        Of the pixels.
    channels : int
        Of the output.
    places_last : bool
        Whether the places of a channel stand together in the output, or the channels of a place.
    """

    def __init__(self, maps: ConvEncoder, channels: int, *, places_last: bool) -> None:
        super().__init__()
        self.maps, self.places_last = maps, places_last
        self.out = nn.Conv2d(maps.channels, channels, 1)

    def forward(self, batch: Batch) -> Tensor:
        """Return (1, n, channels * h * w)."""
        h: Tensor = self.out(self.maps(batch.images))
        if not self.places_last:
            h = F.layer_norm(h.movedim(1, -1), h.shape[1:2])  # the initial spread of code-book entries
        return h.flatten(1).unsqueeze(0)
