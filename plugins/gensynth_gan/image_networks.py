"""Generator and critic of images and the columns beside them: DCGAN with a projection critic."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.layout import ImageLayout
from gensynth.nn.image.convolutions import Upsample, channels_of, flat_map, halvings
from gensynth.nn.layers import ResidualMLP
from gensynth.nn.tabular.relaxed import RelaxedRows

BATCHES = 8
"""Batches of generated images for the statistics of batch normalisation."""


class ConditionalNorm(nn.Module):
    """Batch normalisation whose scales and shifts follow the columns (de Vries et al. 2017, arXiv 1707.00683).

    Parameters
    ----------
    channels : int
        Of the maps.
    n_columns : int
        Width of the vectors of the columns; 0: plain batch normalisation.
    """

    def __init__(self, channels: int, n_columns: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, momentum=None, affine=n_columns == 0)
        self.affine = nn.Linear(n_columns, 2 * channels, bias=False) if n_columns else None
        if self.affine is not None:
            nn.init.normal_(self.affine.weight, std=0.02)

    def forward(self, maps: Tensor, row: Tensor) -> Tensor:
        """Return normalised maps (n, channels, h, w) for vectors of columns (n, n_columns)."""
        out: Tensor = self.norm(maps)
        if self.affine is None:
            return out
        affine: Tensor = self.affine(row)
        scale, shift = affine.unsqueeze(-1).unsqueeze(-1).chunk(2, 1)
        return out * (1.0 + scale) + shift


class ImageGenerator(nn.Module):
    """Generator from noise and given entries to the other columns and the pixels.

    Radford et al. 2016, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks",
    arXiv:1511.06434: transposed convolutions with batch normalisation. The columns that are not given are drawn first,
    and the image is drawn as the image of such a row: a class that is drawn after the image has to be read off it.

    Parameters
    ----------
    image : ImageLayout
        Shape of the images.
    rows : RelaxedRows
        What vectors of the columns look like.
    n_conditions : int
        Columns, the first ones, that are given with every row, not drawn.
    noise_dim : int
        Width of the normal noise.
    base : int
        Channels of the finest map.
    """

    given: Tensor

    def __init__(self, image: ImageLayout, rows: RelaxedRows, n_conditions: int, noise_dim: int, base: int) -> None:
        super().__init__()
        given = rows.entries_of(tuple(range(n_conditions)))
        self.rows, self.noise_dim, self.n_given = rows, noise_dim, int(given.sum())
        self.register_buffer("given", given, persistent=False)
        sizes = halvings(image.height, image.width)
        fine = sizes[1:] if len(sizes) > 2 else sizes  # for larger images the last layer outputs the pixels themselves
        channels = channels_of(fine, base)
        self.start = flat_map(channels[-1], fine[-1], noise_dim + rows.width)
        self.norms = nn.ModuleList(ConditionalNorm(c, rows.width) for c in reversed(channels))
        self.ups = nn.ModuleList(
            Upsample(a, b, size) for a, b, size in zip(channels[:0:-1], channels[-2::-1], fine[-2::-1], strict=True)
        )
        self.out: nn.Module = nn.Conv2d(channels[0], image.channels, 3, padding=1)
        if len(sizes) > 2:
            self.out = Upsample(channels[0], image.channels, sizes[0])
        self.columns = None
        if rows.width > self.n_given:
            self.columns = ResidualMLP(noise_dim + self.n_given, [128, 128], rows.width)
            with torch.no_grad():
                self.columns.out.bias[: rows.n_scores] = 0.0
                self.columns.out.bias[rows.n_scores :] = rows.code_slots.log_marginals.clamp(min=-30.0)

    def forward(self, noise: Tensor, row: Tensor, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return pixels (n, c, h, w) in (0, 1) and vectors of columns (n, width), with gradients.

        The given entries of the vectors are those of ``row`` (n, width).
        """
        if self.columns is not None:
            drawn = self.rows.sample_relaxed(self.columns(torch.cat([noise, row[:, self.given]], 1)), rng)
            row = torch.where(self.given, row, drawn)
        return self.paint(noise, row), row

    def paint(self, noise: Tensor, row: Tensor) -> Tensor:
        """Return pixels (n, c, h, w) in (0, 1) of rows (n, width) with known columns."""
        maps = F.relu(self.norms[0](self.start(torch.cat([noise, row], 1)), row))
        for up, norm in zip(self.ups, itertools.islice(self.norms, 1, None), strict=True):
            maps = F.relu(norm(up(maps), row))
        pixels: Tensor = self.out(maps).sigmoid()
        return pixels

    @torch.no_grad()
    def measure_statistics(self, row: Tensor, n: int, rng: Generator) -> None:
        """Measure the statistics of normalisation on ``n`` generated images a batch, given random rows of ``row``."""
        norms = [m for m in self.modules() if isinstance(m, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.train()
        for _ in range(BATCHES):
            pick = torch.randint(len(row), (n,), generator=rng, device=row.device)
            noise = torch.randn(n, self.noise_dim, generator=rng, device=row.device, dtype=row.dtype)
            self(noise, row[pick], rng)
        for norm in norms:
            norm.eval()


class ImageCritic(nn.Module):
    """Critic of images and the columns beside them, higher = more like real rows.

    The columns enter by a projection (Miyato & Koyama 2018, "cGANs with Projection Discriminator", arXiv:1802.05637)
    and by a perceptron of their own. No normalisation: a penalty on the gradient of each image needs images that do
    not interact.

    Parameters
    ----------
    image : ImageLayout
        Shape of the images.
    n_columns : int
        Width of the vectors of the columns; 0: images alone.
    base : int
        Channels of the finest map.
    width : int
        Width of the last hidden layer.
    """

    def __init__(self, image: ImageLayout, n_columns: int, base: int, width: int) -> None:
        super().__init__()
        sizes = halvings(image.height, image.width)
        channels = [image.channels, *channels_of(sizes[1:] or sizes, base)]
        stride = 2 if len(sizes) > 1 else 1
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(channels):
            layers += [nn.Conv2d(a, b, 3 if stride == 1 else 4, stride=stride, padding=1), nn.LeakyReLU(0.2)]
        layers = layers if len(sizes) > 2 else [
            nn.Conv2d(image.channels, base, 3, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(base, 2 * base, 4 if stride == 2 else 3, stride=stride, padding=1), nn.LeakyReLU(0.2),
        ]  # fmt: skip
        self.body = nn.Sequential(*layers, nn.Flatten())
        with torch.no_grad():
            n_features = self.body(torch.zeros(1, image.channels, image.height, image.width)).shape[1]
        self.last, self.out = nn.Linear(n_features, width), nn.Linear(width, 1)
        self.project = nn.Linear(n_columns, width, bias=False) if n_columns else None
        self.alone = ResidualMLP(n_columns, [64, 64], 1) if n_columns else None

    def hidden(self, pixels: Tensor) -> Tensor:
        """Return the last hidden layer (n, width) of images (n, c, h, w)."""
        return F.leaky_relu(self.last(self.body(2.0 * pixels - 1.0)), 0.2)

    def forward(self, pixels: Tensor, row: Tensor) -> Tensor:
        """Return values (n,) of images and vectors of columns (n, n_columns)."""
        return self.value(self.hidden(pixels), row)

    def value(self, hidden: Tensor, row: Tensor) -> Tensor:
        """Return values (n,) of last hidden layers and vectors of columns."""
        value: Tensor = self.out(hidden).squeeze(1)
        if self.project is None or self.alone is None:
            return value
        of_columns: Tensor = (self.project(row) * hidden).sum(1) + self.alone(row).squeeze(1)
        return value + of_columns
