"""GAN over images and the columns beside them, for every loss, penalty and condition."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Generator, Tensor

from gensynth.layout import Layout
from gensynth.model import Batch, Fit, Optimizer, Phase, Score, Stage
from gensynth.nn.image.convolutions import ConvEncoder, halvings
from gensynth.nn.image.encoder import ImageEncoder
from gensynth.nn.image.features import RandomFeatures, frechet_distance

from .game import AdversarialObjective, frozen
from .image_networks import ImageCritic, ImageGenerator
from .sampled_game import SampledGame

GAME_STEPS, ENCODER_STEPS = 5_000, 1_000
"""Training steps of a full run."""
MAX_MONITORED = 1_000
"""Maximal number of held-out images for the two-sample statistic."""
MAX_MEASURED = 10_000
"""Maximal number of training rows for the statistics, ..."""
BLOCK = 512
"""... and rows per block."""


class AdversarialImages(SampledGame):
    """GAN over images and the columns beside them, with an encoder for scores.

    What is best is said by the Frechet distance of random convolutional features of held-out images. With both networks
    frozen an encoder then learns z = E(x) (f-AnoGAN, ``izi_f``: Schlegl et al. 2019, Medical Image Analysis 54,
    https://doi.org/10.1016/j.media.2019.01.010, equations 3 and 4).

    Parameters
    ----------
    layout, objective
        As of `SampledGame`, with an image.
    noise_dim, width, base : int
        See `ImageGenerator` and `ImageCritic`.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("feature", "critic", "reconstruction")
    penalised: ClassVar[float] = 0.25
    critic_rate: ClassVar[float] = 2.0
    generator: ImageGenerator
    critic: ImageCritic
    residual: Tensor

    def __init__(
        self, layout: Layout, objective: AdversarialObjective, *, noise_dim: int, width: int, base: int = 32
    ) -> None:
        super().__init__(layout, objective, noise_dim, width)
        if layout.image is None:
            raise ValueError("the layout has no image")
        image = layout.image
        self.generator = ImageGenerator(image, self.rows, self.n_conditions, noise_dim, base)
        self.critic = ImageCritic(image, self.rows.width, base, width)
        maps = ConvEncoder(image.channels, halvings(image.height, image.width), base // 2)
        self.encoder = ImageEncoder(maps, (width,), noise_dim)
        self.clip_critic()
        self.shape = (image.channels, image.height, image.width)
        self.random_features = RandomFeatures(image)
        self.register_buffer("residual", torch.ones(()))

    def stages(self) -> tuple[Stage | Fit, ...]:
        """Return the adversarial stage, the encoder's, and the fits before and after them."""
        steps = GAME_STEPS + ENCODER_STEPS
        game = self.game(steps, GAME_STEPS / steps, full_run=True, collapse_bound=self._collapse_bound)
        phase = Phase("encoder", tuple(self.encoder.parameters()), self.encoder_loss, Optimizer(1e-3))
        encode = Stage("encoder", (phase,), budget_fraction=ENCODER_STEPS / steps, max_steps=steps)
        measured = Fit("features", self._measure, MAX_MEASURED), encode, Fit("residuals", self._residuals, MAX_MEASURED)
        return Fit("start", self._start, MAX_MEASURED), *game, *measured

    @torch.no_grad()
    def distance(self, batch: Batch, rng: Generator) -> Tensor:
        """Return the statistic between these rows and as many generated ones.

        The statistics of normalisation are measured anew before: those of training are of other weights.
        """
        batch = batch[:MAX_MONITORED]
        self.generator.measure_statistics(self.rows.encode(batch, rng), min(len(batch), 128), rng)
        return self._statistic(batch, self.generate(len(batch), rng))

    @torch.no_grad()
    def _collapse_bound(self, rows: Batch, rng: Generator) -> Tensor:
        """Return the statistic of copies of one row."""
        rows = rows[:MAX_MONITORED]
        one = torch.randint(len(rows), (1,), generator=rng, device=rows.device).expand(len(rows))
        return self._statistic(rows, rows[one])

    def _statistic(self, real: Batch, fake: Batch) -> Tensor:
        value = frechet_distance(self.random_features(real.images), self.random_features(fake.images))
        return value + self.two_sample(real, fake) if self.layout.columns else value

    def drawn(self, row: Tensor, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return as many generated images and vectors as ``row`` has rows, with its given entries."""
        pixels, row = self.generator(self.noise(row, rng), row, rng)
        return pixels, row

    def points(self, pixels: Tensor, row: Tensor) -> Tensor:
        """Return concatenated pixels and columns (1, n, pixels + width)."""
        return torch.cat([pixels.flatten(1), row], 1).unsqueeze(0)

    def values(self, points: Tensor) -> Tensor:
        """Return the critic's values (1, n)."""
        pixels, row = points[0].split([points.shape[-1] - self.rows.width, self.rows.width], 1)
        value: Tensor = self.critic(pixels.unflatten(1, self.shape), row)
        return value.unsqueeze(0)

    def value_and_hidden(self, pixels: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        """Return the critic's value and last hidden layer of each row."""
        hidden = self.critic.hidden(pixels)
        return self.critic.value(hidden, row), hidden

    def encoder_loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Return (n,): squared errors of pixels and of the critic's features between rows and G(E(rows), columns)."""
        self.generator.eval()  # batch statistics are those of generated images, not of reconstructions
        with frozen(self.generator), frozen(self.critic):
            pixels, features, z = self._errors(batch, self.rows.encode(batch, rng))
        return pixels.mean((1, 2)) / self.residual + features + 0.1 * z.square().mean(1)

    def _errors(self, batch: Batch, row: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return squared errors of pixels (n, h, w) and of features (n,), and the latents (n, noise_dim).

        The image is written anew as that of the row's own columns: of drawn ones it would be another one each time.
        """
        z = self.encoder(batch)[0]
        made = self.generator.paint(z, row)
        places = (batch.images - made).square().sum(1)
        seen, remade = self.critic.hidden(torch.cat([batch.images, made])).chunk(2)
        return places, ((seen - remade) / self.feature_scale).square().mean(1), z

    @torch.no_grad()
    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:
        """Score rows as `SampledGame` does, or by "reconstruction", with attribution to columns and pixels.

        That is minus half the squared error of the pixels of G(E(x), columns of x), in units of its mean over the
        training rows, minus that of the critic's features (Schlegl et al. 2019, equation 5).
        """
        if self.score_method(method) != "reconstruction":
            return super().score(batch, method, attribute=attribute)
        row = self.rows.encode(batch)
        columns = self.rows.outlyingness(batch, row)
        places, rest, _ = self._errors(batch, row)
        places = 0.5 * places / self.residual
        pixels = places + (0.5 * rest / (self.shape[1] * self.shape[2])).view(-1, 1, 1)
        return Score(-pixels.sum((1, 2)) - columns.sum(1), columns, pixels)

    def _start(self, rows: Batch, rng: Generator) -> None:
        """Fit the columns, the image features and the distribution of conditions."""
        self.measure_columns(rows, rng)
        self.random_features.fit(rows.images)

    def _measure(self, rows: Batch, rng: Generator) -> None:
        """Fit the generator's batch statistics, and the critic's features on the training rows."""
        self.generator.measure_statistics(self.rows.encode(rows, rng), min(max(len(rows), 2), 256), rng)
        self.measure_features(torch.cat([self.critic.hidden(part) for part in rows.images.split(BLOCK)]))

    def _residuals(self, rows: Batch, rng: Generator) -> None:  # noqa: ARG002
        """Fit the mean squared error of each pixel."""
        parts = (rows[i : i + BLOCK] for i in range(0, len(rows), BLOCK))
        errors = [self._errors(part, self.rows.encode(part))[0] for part in parts]
        self.residual.copy_(torch.cat(errors).mean().clamp(min=1e-6))
