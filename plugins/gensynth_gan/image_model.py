"""The adversarial game over images and the columns beside them: one model for every loss, penalty and condition."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Generator, Tensor

from gensynth.layout import Layout
from gensynth.model import Batch, Fit, Observed, Optimizer, Phase, Score, Stage
from gensynth.nn.ensemble import standard_normal
from gensynth.nn.image.convolutions import ConvEncoder, halvings
from gensynth.nn.image.encoder import ImageEncoder
from gensynth.nn.image.features import RandomFeatures, frechet_distance
from gensynth.nn.tabular.relaxed import RelaxedRows
from gensynth.nn.tabular.two_sample import TwoSample

from .conditions import ConditionTable, given_cells
from .game import AdversarialGame
from .image_networks import ImageCritic, ImageGenerator
from .objective import AdversarialObjective, frozen

GAME_STEPS, ENCODER_STEPS = 5_000, 1_000
"""Of a full run."""
MAX_MONITORED = 1_000
"""Held-out images that the statistic is computed on, at most."""
MAX_MEASURED = 10_000
"""Training rows that statistics are measured on, at most."""


class AdversarialImages(AdversarialGame):
    """Generator against critic over images, and over the columns that belong to them; then an encoder, to score by.

    The critic sees pixels and the columns as `RelaxedRows`; condition cells of generated rows are those of the real
    rows of the batch. A moving average of the weights is what is sampled and monitored; training keeps what was best by
    the Frechet distance of random convolutional features of held-out images, never by a loss. With both networks
    frozen an encoder then learns z = E(x) (f-AnoGAN, ``izi_f``: Schlegl et al. 2019, Medical Image Analysis 54,
    https://doi.org/10.1016/j.media.2019.01.010, equations 3 and 4).

    Parameters
    ----------
    layout : Layout
        Shape of the rows, with an image.
    objective : AdversarialObjective
        Loss, penalty, condition, pace.
    noise_dim, width, base : int
        See `ImageGenerator` and `ImageCritic`.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("feature", "critic", "reconstruction")
    penalised: ClassVar[float] = 0.25
    critic_rate: ClassVar[float] = 2.0
    members = 1

    generator: ImageGenerator
    critic: ImageCritic
    feature_mean: Tensor
    feature_scale: Tensor
    residual: Tensor

    def __init__(
        self, layout: Layout, objective: AdversarialObjective, *, noise_dim: int, width: int, base: int = 32
    ) -> None:
        super().__init__(layout, objective)
        if layout.image is None:
            raise ValueError("the layout has no image")
        n_conditions = layout.n_conditions if objective.conditional else 0
        self.conditions = ConditionTable(layout) if n_conditions else None
        self.rows, image = RelaxedRows(layout), layout.image
        given = self.rows.entries_of(tuple(range(n_conditions)))
        self.generator = ImageGenerator(image, self.rows, given, noise_dim, base)
        self.critic = ImageCritic(image, self.rows.width, base, width)
        maps = ConvEncoder(image.channels, halvings(image.height, image.width), base // 2)
        self.encoder = ImageEncoder(maps, (width,), noise_dim)
        self.clip_critic()
        self.shape = (image.channels, image.height, image.width)
        self.random_features, self.two_sample = RandomFeatures(image), TwoSample(layout)
        self.register_buffer("feature_mean", torch.zeros(width))
        self.register_buffer("feature_scale", torch.ones(width))
        self.register_buffer("residual", torch.ones(()))

    def stages(self) -> tuple[Stage | Fit, ...]:
        """Return the game, the encoder, and what is measured before and after them."""
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

    def _statistic(self, real: Batch, fake: Batch) -> Tensor:
        assert real.pixels is not None
        assert fake.pixels is not None
        value = frechet_distance(self.random_features(real.pixels), self.random_features(fake.pixels))
        return value + self.two_sample(real, fake) if self.layout.columns else value

    @torch.no_grad()
    def generate(self, n: int, rng: Generator, observed: Observed | None = None) -> Batch:
        """Draw rows; observed condition cells come back exactly, others are drawn with their true frequencies.

        Raises
        ------
        CapabilityError
            Columns are observed that the model was not built to be conditioned on, or gaps are to be imputed.
        """
        given = given_cells(self.layout, self.conditions, n, rng, observed, self.feature_mean)
        row = self.feature_mean.new_zeros(n, self.rows.width) if given is None else self.rows.encode(given, rng)
        noise = standard_normal((n, self.generator.noise_dim), self.feature_mean, rng)
        pixels, vectors = self.generator(noise, row, rng)
        rows = self.rows.decode(vectors, rng)
        if given is not None:
            rows = Observed.of_columns(tuple(range(self.layout.n_conditions)), given).put_into(rows, self.layout)
        return Batch(rows.numeric, rows.codes, pixels=pixels)

    def encoder_loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Return (n,): squared errors of pixels and of the critic's features between rows and G(E(rows), columns)."""
        self.generator.eval()  # its statistics are those of its own images, not of what the encoder makes it write
        with frozen(self.generator), frozen(self.critic):
            pixels, features, z = self._errors(batch, self.rows.encode(batch, rng))
        return pixels.mean((1, 2)) / self.residual + features + 0.1 * z.square().mean(1)

    def _errors(self, batch: Batch, row: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return squared errors of places (n, h, w), and of features (n,), and the latents (n, noise_dim).

        The image is written anew as that of the row's own columns: of drawn ones it would be another one each time.
        """
        assert batch.pixels is not None
        z = self.encoder(batch)[0]
        made = self.generator.paint(z, row)
        places = (batch.pixels - made).square().sum(1)
        seen, remade = self.critic.hidden(torch.cat([batch.pixels, made])).chunk(2)
        return places, ((seen - remade) / self.feature_scale).square().mean(1), z

    @torch.no_grad()
    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:  # noqa: ARG002
        """Score rows (n,), higher = more normal, and columns and pixels.

        "reconstruction": minus half the squared error of the pixels of G(E(x), columns of x), in units of its mean over
        the training rows, minus that of the critic's features (Schlegl et al. 2019, equation 5). "feature": minus half
        the squared distance of the critic's last hidden layer from its mean over the training rows, in units of its
        spread there, the mean over units. "critic": the critic's value.
        """
        method = self.score_method(method)
        assert batch.pixels is not None
        row = self.rows.encode(batch)
        columns = self.rows.outlyingness(batch, row)
        if method == "reconstruction":
            places, rest, _ = self._errors(batch, row)
            places = 0.5 * places / self.residual
            pixels = places + (0.5 * rest / (self.shape[1] * self.shape[2])).view(-1, 1, 1)
            return Score(-pixels.sum((1, 2)) - columns.sum(1), columns, pixels)
        hidden = self.critic.hidden(batch.pixels)
        if method == "critic":
            return Score(self.critic.value(hidden, row))
        deep = ((hidden - self.feature_mean) / self.feature_scale).square().mean(1)
        return Score(-0.5 * deep - columns.sum(1))

    def real(self, batch: Batch, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return points (1, n, pixels + width) of rows, and the columns as vectors."""
        assert batch.pixels is not None
        row = self.rows.encode(batch, rng)
        return self._points(batch.pixels, row), row

    def fake(self, given: Tensor, rng: Generator) -> Tensor:
        """Return points (1, n, pixels + width) of as many generated rows as are given."""
        noise = standard_normal((len(given), self.generator.noise_dim), given, rng)
        return self._points(*self.generator(noise, given, rng))

    def values(self, points: Tensor) -> Tensor:
        """Return the critic's values (1, n)."""
        pixels, row = points[0].split([points.shape[-1] - self.rows.width, self.rows.width], 1)
        value: Tensor = self.critic(pixels.unflatten(1, self.shape), row)
        return value.unsqueeze(0)

    def _points(self, pixels: Tensor, row: Tensor) -> Tensor:
        return torch.cat([pixels.flatten(1), row], 1).unsqueeze(0)

    @torch.no_grad()
    def _collapse_bound(self, rows: Batch, rng: Generator) -> Tensor:
        """Return the statistic of copies of one row."""
        rows = rows[:MAX_MONITORED]
        one = torch.randint(len(rows), (1,), generator=rng, device=rows.codes.device).expand(len(rows))
        return self._statistic(rows, rows[one])

    def _start(self, rows: Batch, rng: Generator) -> None:
        """Measure the columns and the features of images, and count the conditions."""
        assert rows.pixels is not None
        self.rows.fit(rows)
        self.random_features.fit(rows.pixels)
        if self.conditions is not None:
            self.conditions.fit(rows, rng)

    def _residuals(self, rows: Batch, rng: Generator) -> None:  # noqa: ARG002
        """Measure the mean squared error of a place."""
        errors = [self._errors(rows[i : i + 512], self.rows.encode(rows[i : i + 512]))[0] for i in _starts(rows)]
        self.residual.copy_(torch.cat(errors).mean().clamp(min=1e-6))

    def _measure(self, rows: Batch, rng: Generator) -> None:
        """Measure the generator's statistics, and the critic's features on the training rows."""
        assert rows.pixels is not None
        row = self.rows.encode(rows, rng)
        self.generator.measure_statistics(row, min(max(len(rows), 2), 256), rng)
        hidden = torch.cat([self.critic.hidden(part) for part in rows.pixels.split(512)])
        self.feature_mean.copy_(hidden.mean(0))
        self.feature_scale.copy_(hidden.std(0, correction=0).clamp(min=1e-6))


def _starts(rows: Batch) -> range:
    return range(0, len(rows), 512)
