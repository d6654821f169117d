"""Families with latents: a toy one, over tables and over images, says what its latents are and gets the rest."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import pytest
import torch
from torch import Generator, Tensor
from toy_images import bars, bars_layout
from toy_layouts import mixed, mixed_rows

from gensynth.layout import Layout
from gensynth.model import Batch, Observed, Stage
from gensynth.nn.columns_first import columns_of
from gensynth.nn.ensemble import standard_normal
from gensynth.nn.family import networks_for
from gensynth.nn.latent_variables import LatentVariableModel, importance_weighted, latents_only
from gensynth.nn.priors import standard_normal_log_density

DIM = 3


class ToyLatents(LatentVariableModel):
    """z ~ N(0, I), q(z | row) = N(encoder(row), I / 4): all that a family with latents has to say."""

    score_methods: ClassVar[tuple[str, ...]] = ("reconstruction", "denoising", "kl")
    latent_dim = DIM

    def __init__(self, layout: Layout) -> None:
        super().__init__(networks_for(layout, "sampling", members=1, embedding_dim=4, dropout=0.0), [0.0], 1e-2)
        self.encoder, self.decoder = self.networks.encoder((16,), DIM), self.networks.decoder(DIM, (16,))

    def stages(self) -> tuple[Stage, ...]:
        return (self.networks.stage("elbo", tuple(self.parameters()), self.loss, learning_rate=self.learning_rate),)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        z, inputs = self.posterior_draw(batch, rng), self.networks.inputs(batch)
        return -self.decoder.log_likelihood(inputs, z).sum(-1) - standard_normal_log_density(z)

    def middle(self, inputs: Any) -> Tensor:
        out: Tensor = self.encoder(inputs)
        return out

    def posterior_draw(self, rows: Batch, rng: Generator) -> Tensor:
        mean = self.middle(self.networks.inputs(rows))
        return mean + 0.5 * standard_normal(mean.shape, mean, rng)

    def draw_prior(self, n: int, rng: Generator, columns: Batch | None = None) -> Tensor:
        return standard_normal((1, n, DIM), self.step, rng)

    def log_prior_of(self, latents: Tensor, rows: Batch) -> Tensor:
        return standard_normal_log_density(latents)

    def propose_for(self, rows: Batch, c: int, rng: Generator) -> tuple[Tensor, Tensor]:
        mean = self.encode(rows).repeat_interleave(c, 0)
        noise = standard_normal(mean.shape, mean, rng)
        z = mean + 0.5 * noise
        return z, standard_normal_log_density(z) - standard_normal_log_density(noise)

    def costs(self, inputs: Any, method: str) -> tuple[Tensor, Tensor]:
        z = self.middle(inputs)
        if method == "kl":
            return latents_only(0.5 * z.square().sum(-1), self.networks.n_cells)
        return -self.decoder.log_likelihood(inputs, z), z.new_zeros(z.shape[:-1])


def fitted(layout: Layout, rows: Batch, steps: int = 60) -> ToyLatents:
    rng = Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = ToyLatents(layout)
    (phase,) = model.stages()[0].phases
    optimiser = torch.optim.AdamW(phase.parameters, lr=phase.optimizer.learning_rate)
    for _ in range(steps):
        loss = phase.loss(rows[torch.randint(0, len(rows), (64,), generator=rng)], rng).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval()


@pytest.fixture(scope="module")
def of_table() -> tuple[ToyLatents, Batch]:
    rows = mixed_rows(400)
    return fitted(mixed(400), rows), rows


@pytest.fixture(scope="module")
def of_images() -> tuple[ToyLatents, Batch]:
    layout = bars_layout()
    return fitted(layout, bars(layout), 30), bars(layout)


@torch.no_grad()
def test_rows_are_drawn_and_gaps_are_filled_from_what_the_family_says_of_its_latents(of_table):
    model, rows = of_table
    rng = Generator().manual_seed(1)
    assert model.generate(50, rng).codes.min() >= 1
    given = Observed.of_columns((0,), rows[:50])
    assert torch.equal(model.generate(50, rng, given).codes[:, 0], rows.codes[:50, 0])
    gaps = Observed(rows[:50], torch.rand(50, 3, generator=rng) < 0.5, impute=True)
    filled = model.generate(50, rng, gaps)
    assert torch.equal(filled.codes[gaps.mask], rows.codes[:50][gaps.mask])
    assert model.decode(model.encode(rows[:20]), rng).codes.shape == (20, 3)


@torch.no_grad()
def test_columns_beside_images_are_drawn_first_or_read_off_the_images(of_images):
    model, rows = of_images
    rng = Generator().manual_seed(1)
    given = Observed.of_columns((0,), rows[:20])
    drawn = model.generate(20, rng, given)
    assert torch.equal(drawn.codes, rows.codes[:20])
    assert drawn.images.shape == rows[:20].images.shape
    gaps = Observed(rows[:20], torch.zeros(20, 1, dtype=torch.bool), impute=True)
    filled = model.generate(20, rng, gaps)
    assert torch.equal(filled.images, rows.images[:20])
    assert filled.codes.min() >= 1
    assert model.decode(model.encode(rows[:5]), rng).images.shape == rows[:5].images.shape


@torch.no_grad()
def test_scores_of_the_latents_alone_have_no_map_of_places(of_images):
    model, rows = of_images
    assert model.score(rows[:4], "kl").pixels is None
    for method in ("reconstruction", "denoising"):
        found = model.score(rows[:4], method)
        assert found.pixels is not None
        assert found.columns is not None
        torch.testing.assert_close(found.pixels.sum((-1, -2)) + found.columns.sum(-1), -found.rows)


@torch.no_grad()
def test_columns_that_go_with_latents_follow_bayes_rule(of_images):
    model, _ = of_images
    first = model.decoder.first()
    drawn = columns_of(first, lambda z, rows: 50.0 * (rows.codes.T == 2), torch.zeros(1, 40, DIM), Generator())
    assert drawn.codes.eq(2).all()


def test_a_bound_of_many_draws_is_the_likelihood_where_the_posterior_is_exact():
    cells = torch.tensor([-1.0, -3.0]).view(2, 1, 1, 1)  # log p(x | z_k), and log p(z_k) / q(z_k | x) that makes up
    costs, rest = importance_weighted(cells, torch.tensor([-1.0, 1.0]).view(2, 1, 1))
    torch.testing.assert_close(costs.sum(-1) + rest, torch.full((1, 1), 2.0))
    assert math.isclose(float(costs.sum()), 2.0)
