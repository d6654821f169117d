"""Decoders of rows with an image: columns first, then pixels given latents and columns."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Generator, Tensor, nn

from gensynth.batch import Batch, Observed
from gensynth.errors import CapabilityError
from gensynth.layout import Layout
from gensynth.nn.image.convolutions import ConvDecoder
from gensynth.nn.image.likelihood import LogisticMixture
from gensynth.nn.networks import RowDecoder
from gensynth.nn.tabular.imputation import Propose


class CoarsestMaps(nn.Module):
    """Linear map from latents, and the columns beside the image, to the coarsest maps.

    Parameters
    ----------
    latents : Module
        From latents (n, width) to maps.
    columns : Module or None
        From rows to what their columns add to the maps (1, n, channels * h * w); None where there are none.
    """

    def __init__(self, latents: nn.Module, columns: nn.Module | None) -> None:
        super().__init__()
        self.latents, self.columns = latents, columns

    def forward(self, z: Tensor, rows: Batch) -> Tensor:
        """Return maps (n, channels, h, w)."""
        maps: Tensor = self.latents(z)
        return maps if self.columns is None else maps + self.columns(rows)[0].view_as(maps)


class Pixels(nn.Module, ABC):
    """p(pixels | z, columns).

    Parameters
    ----------
    start : CoarsestMaps
        What ``maps`` begin with.
    maps : ConvDecoder
        From those to features of every pixel.
    likelihood : LogisticMixture
        Of a pixel.
    """

    def __init__(self, start: CoarsestMaps, maps: ConvDecoder, likelihood: LogisticMixture) -> None:
        super().__init__()
        self.start, self.maps, self.likelihood = start, maps, likelihood

    @abstractmethod
    def log_probability(self, rows: Batch, z: Tensor) -> Tensor:
        """Return (n, h * w) log-probabilities of the pixels given latents (n, width)."""

    @abstractmethod
    def draw(self, rows: Batch, z: Tensor, rng: Generator) -> Tensor:
        """Sample one image (n, c, h, w) in (0, 1) for each row, given its columns and latent (n, width)."""


class IndependentPixels(Pixels):
    """Pixels that are independent given z and the columns.

    Parameters
    ----------
    start, maps, likelihood
        As of `Pixels`.
    base : int
        Channels of the features.
    """

    def __init__(self, start: CoarsestMaps, maps: ConvDecoder, base: int, likelihood: LogisticMixture) -> None:
        super().__init__(start, maps, likelihood)
        self.out = likelihood.layer(base, 3)

    def _pixel_parameters(self, rows: Batch, z: Tensor) -> Tensor:
        parameters: Tensor = self.out(self.maps(self.start(z, rows)))
        return parameters

    def log_probability(self, rows: Batch, z: Tensor) -> Tensor:
        """Return (n, h * w) log-probabilities of the pixels."""
        return self.likelihood.log_probability(self._pixel_parameters(rows, z), rows.images).flatten(1)

    def draw(self, rows: Batch, z: Tensor, rng: Generator) -> Tensor:  # noqa: ARG002 - the interface has it
        """Return the means of the pixels (n, c, h, w), as independent samples would be noisy."""
        return self.likelihood.mean(self._pixel_parameters(rows, z))


class ImageDecoder(RowDecoder):
    """p(columns) p(pixels | z, columns): the columns are drawn first, then latents given them, then the pixels.

    The costs of a row are those of its columns, then of its places: (members, n, k + h * w).

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    pixels : Pixels
        p(pixels | z, columns).
    columns : RowDecoder or None
        p(columns), a decoder at latents of width 0; None where there are none.
    """

    def __init__(self, layout: Layout, pixels: Pixels, columns: RowDecoder | None) -> None:
        super().__init__()
        self.layout, self.pixels, self.columns = layout, pixels, columns

    def first(self) -> RowDecoder | None:
        """Return p(columns)."""
        return self.columns

    def rest_log_likelihood(self, rows: Batch, z: Tensor) -> Tensor:
        """Return (n,): log p(pixels | z, columns); 0 where it does not depend on the columns."""
        if self.pixels.start.columns is None:
            return z.new_zeros(z.shape[1])
        return self.pixels.log_probability(rows, z[0]).sum(1)

    def log_likelihood(self, inputs: Batch, z: Tensor) -> Tensor:
        """Return (1, n, k + h * w)."""
        places = self.pixels.log_probability(inputs, z[0]).unsqueeze(0)
        if self.columns is None:
            return places
        return torch.cat([self.columns.log_likelihood(inputs, z[..., :0]), places], -1)

    def sample(self, z: Tensor, rng: Generator) -> Batch:
        """Draw one image for each latent (1, n, width), where there are no columns."""
        n = z.shape[1]
        none = Batch(z.new_zeros(n, 0), torch.zeros(n, 0, dtype=torch.long, device=z.device))
        return self.complete(none, z, rng)

    def complete(self, columns: Batch, z: Tensor, rng: Generator) -> Batch:
        """Sample the image of each row."""
        return Batch(columns.numeric, columns.codes, pixels=self.pixels.draw(columns, z[0], rng))

    def impute(self, propose: Propose, observed: Observed, rng: Generator) -> Batch:  # noqa: ARG002
        """Raise `CapabilityError`: there are no columns."""
        raise CapabilityError("there are no columns beside the images: nothing can be given, or filled in")
