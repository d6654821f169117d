"""p(row | z) of rows with an image: pixels that are independent given z, and the columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

import torch
from torch import Generator, Tensor, nn

from gensynth.batch import Batch, Observed
from gensynth.errors import CapabilityError
from gensynth.layout import Layout
from gensynth.nn.categorical import draw
from gensynth.nn.image.convolutions import ConvDecoder
from gensynth.nn.image.likelihood import LogisticMixture
from gensynth.nn.networks import RowDecoder
from gensynth.nn.tabular.imputation import Propose

CANDIDATES = 64
"""Latents that a row with observed cells takes one of."""


class Pixels(nn.Module, ABC):
    """p(pixels | z)."""

    @abstractmethod
    def log_probability(self, pixels: Tensor, z: Tensor) -> Tensor:
        """Return (n, h * w) log-probabilities of the places of images (n, c, h, w) given latents (n, width)."""

    @abstractmethod
    def draw(self, z: Tensor, rng: Generator) -> Tensor:
        """Return one image (n, c, h, w) in (0, 1) for each latent (n, width)."""


class IndependentPixels(Pixels):
    """Pixels that are independent given z.

    Parameters
    ----------
    start : Module
        From z (n, width) to the coarsest maps of ``maps``.
    maps : ConvDecoder
        From those to features of every pixel.
    likelihood : LogisticMixture
        Of a pixel.
    """

    def __init__(self, start: nn.Module, maps: ConvDecoder, base: int, likelihood: LogisticMixture) -> None:
        super().__init__()
        self.start, self.maps, self.likelihood = start, maps, likelihood
        self.out = likelihood.layer(base, 3)

    def _pixel_parameters(self, z: Tensor) -> Tensor:
        parameters: Tensor = self.out(self.maps(self.start(z)))
        return parameters

    def log_probability(self, pixels: Tensor, z: Tensor) -> Tensor:
        """Return (n, h * w) log-probabilities of the places."""
        return self.likelihood.log_probability(self._pixel_parameters(z), pixels).flatten(1)

    def draw(self, z: Tensor, rng: Generator) -> Tensor:  # noqa: ARG002 - the interface has it
        """Return the means of the pixels (n, c, h, w): drawn one by one they would be noise."""
        return self.likelihood.mean(self._pixel_parameters(z))


class ImageDecoder(RowDecoder):
    """p(row | z): pixels and columns, which are independent given z.

    The costs of a row are those of its columns, then of its places: (members, n, k + h * w).

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    pixels : Pixels
        p(pixels | z).
    columns : RowDecoder or None
        p(columns | z); None where there are none.
    """

    def __init__(self, layout: Layout, pixels: Pixels, columns: RowDecoder | None) -> None:
        super().__init__()
        self.layout, self.pixels, self.columns = layout, pixels, columns

    def log_likelihood(self, inputs: Batch, z: Tensor) -> Tensor:
        """Return (1, n, k + h * w)."""
        assert inputs.pixels is not None
        places = self.pixels.log_probability(inputs.pixels, z[0]).unsqueeze(0)
        if self.columns is None:
            return places
        return torch.cat([self.columns.log_likelihood(inputs, z), places], -1)

    def sample(self, z: Tensor, rng: Generator) -> Batch:
        """Draw one row for each latent (1, n, width)."""
        pixels = self.pixels.draw(z[0], rng)
        if self.columns is None:
            n = z.shape[1]
            return Batch(z.new_zeros(n, 0), torch.zeros(n, 0, dtype=torch.long, device=z.device), pixels=pixels)
        rows = self.columns.sample(z, rng)
        return Batch(rows.numeric, rows.codes, pixels=pixels)

    def impute(self, propose: Propose, observed: Observed, rng: Generator) -> Batch:
        """Draw rows that go with the observed cells, by latents of the prior; gaps beside images, by the encoder's."""
        if self.columns is None:
            raise CapabilityError("there are no columns beside the images: nothing can be given, or filled in")
        if observed.impute:
            return self._fill(propose, observed, rng)
        n = len(observed)
        z, _ = propose(None, n, CANDIDATES, rng)
        known = replace(observed.rows, pixels=None)  # what is known are cells
        many = known[torch.arange(n, device=z.device).repeat_interleave(CANDIDATES)]
        cells = self.columns.log_likelihood(many, z.unsqueeze(0))[0].view(n, CANDIDATES, -1)
        weight = (cells * observed.mask.unsqueeze(1)).sum(-1)
        chosen = torch.arange(n, device=z.device) * CANDIDATES + draw(weight, rng)
        rows = self.sample(z[chosen].unsqueeze(0), rng)
        return observed.put_into(rows, self.layout)

    def _fill(self, propose: Propose, observed: Observed, rng: Generator) -> Batch:
        """Draw the gaps at one draw of each row's posterior, which has seen its image."""
        assert self.columns is not None

        def of_image(rows: Batch | None, n: int, c: int, rng: Generator) -> tuple[Tensor, Tensor]:
            z, _ = propose(observed.rows if rows is None else rows, n, 1, rng)
            return z.repeat_interleave(c, 0), z.new_zeros(n * c)

        filled = self.columns.impute(of_image, observed, rng)
        return Batch(filled.numeric, filled.codes, pixels=observed.rows.pixels)

    def correct_marginals(self, rows: Batch, z: Tensor, rng: Generator) -> None:
        """Set the marginals of the columns right at latents (1, n, width)."""
        if self.columns is not None:
            self.columns.correct_marginals(rows, z, rng)
