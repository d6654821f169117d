"""Samples as functions of their noise."""

from __future__ import annotations

import math

import pytest
import torch
from toy_models import ToyModel, toy_layout

from gensynth.errors import PluginError
from gensynth.model import Batch
from gensynth.nn.noise import Noise, noise_widths, rows_from_noise


class Drawing(ToyModel):
    """Draws as a test says."""

    def __init__(self, draw):
        super().__init__(toy_layout())
        self.draws = draw

    def generate(self, n, rng, observed=None):
        return Batch(self.draws(n, rng), torch.ones(n, 2, dtype=torch.long))


def rows(draw, noise: Noise) -> torch.Tensor:
    return rows_from_noise(Drawing(draw).eval(), noise).numeric


def noise_of(n: int, uniform: int = 0, normal: int = 0) -> Noise:
    rng = torch.Generator().manual_seed(0)
    return Noise(torch.rand(n, uniform, generator=rng), torch.randn(n, normal, generator=rng))


def test_draws_are_counted():
    def draw(n, rng):
        return torch.rand(n, 2, generator=rng) + torch.randn(1, n, 3, generator=rng)[0, :, :2]

    assert noise_widths(Drawing(draw)) == (2, 3)


def test_a_trained_model_makes_the_rows_of_its_noise():
    model = ToyModel(toy_layout()).eval()
    noise = noise_widths(model).draw(50, torch.Generator().manual_seed(1))
    first, again, part = (
        rows_from_noise(model, n) for n in (noise, noise, Noise(noise.uniform[3:9], noise.normal[3:9]))
    )
    assert torch.equal(first.codes, again.codes)
    assert torch.equal(first.codes[3:9], part.codes)
    assert torch.equal(first.numeric[3:9], part.numeric)
    assert len(torch.unique(first.codes, dim=0)) > 3


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (lambda n, rng: torch.rand(n, 1, generator=rng).neg_().add_(1.0), lambda u, z: 1.0 - u[:, :1]),
        (lambda n, rng: torch.empty(n, 1).uniform_(2.0, 4.0, generator=rng), lambda u, z: 2.0 + 2.0 * u[:, :1]),
        (lambda n, rng: torch.randn(n, 1, generator=rng), lambda u, z: z[:, :1]),
        (lambda n, rng: torch.empty(1, n).normal_(1.0, 3.0, generator=rng).T, lambda u, z: 1.0 + 3.0 * z[:, :1]),
        (
            lambda n, rng: torch.multinomial(torch.tensor([0.0, 1.0, 3.0]), n, True, generator=rng)[:, None] * 1.0,
            lambda u, z: torch.where(u[:, :1] < 0.75, 2.0, 1.0),
        ),
    ],
)
def test_every_kind_of_draw(draw, expected):
    noise = noise_of(40, 1, 1)
    before = noise.uniform.clone()
    torch.testing.assert_close(rows(draw, noise), expected(noise.uniform, noise.normal))
    assert torch.equal(noise.uniform, before)  # draws are changed in place, the noise is not


def test_draws_by_inversion_have_the_weights_that_they_are_given():
    weights = torch.tensor([0.0, 0.2, 0.5, 0.3])
    drawn = rows(lambda n, rng: torch.multinomial(weights, n, True, generator=rng)[:, None] * 1.0, noise_of(20_000, 1))
    shares = torch.bincount(drawn.long().flatten(), minlength=4) / 20_000
    torch.testing.assert_close(shares, weights, atol=4 * math.sqrt(0.25 / 20_000), rtol=0)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda n, rng: torch.rand(3, 7, generator=rng), "the same of every row"),
        (lambda n, rng: torch.rand(n, 9, generator=rng), "more than the 1 numbers"),
        (lambda n, rng: torch.randperm(n, generator=rng)[:, None] * 1.0, "not known as a function of noise"),
    ],
)
def test_what_is_no_function_of_noise_is_said(draw, words):
    with pytest.raises(PluginError, match=words):
        rows(draw, noise_of(40, 1, 1))
