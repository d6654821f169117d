"""The variational families on images: what is drawn, what ties pixels and columns, scores, conditions."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from toy_images import LYING, STANDING, bars, bars_layout, way_of

from gensynth.errors import CapabilityError, OptionError
from gensynth.layout import ColumnLayout, Layout
from gensynth.model import Batch, Observed, Recipe
from gensynth.training import Trainer
from gensynth_vae.recipes import NVAE, VAE, VLAE, VQVAE, BetaVAE

FAMILIES: dict[str, Recipe] = {
    "vae": VAE(warmup=50),
    "beta-vae": BetaVAE(warmup=50),
    "vq-vae": VQVAE(),
    "nvae": NVAE(warmup=150, width=16),
    "vlae": VLAE(),
}


def fitted(recipe: Recipe, epochs: int = 30, **options: Any) -> Any:
    layout = bars_layout(**options)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = recipe.build(layout)
    Trainer(max_epochs=epochs, progress=False).run(model, bars(layout), 0)
    return model


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest) -> Any:
    return fitted(FAMILIES[request.param])


def least_agreement(model: Any) -> float:
    """Return the share of images that is to go with their column; half of them would by chance."""
    return 0.7 if hasattr(model, "quantizer") else 0.9  # a density of codes that has had 84 steps


def pixels_of(rows: Batch) -> torch.Tensor:
    assert rows.pixels is not None
    return rows.pixels


@pytest.mark.slow
@torch.no_grad()
def test_images_and_columns_go_together(model: Any) -> None:
    drawn = model.generate(300, torch.Generator().manual_seed(0))
    pixels = pixels_of(drawn)
    assert pixels.shape == (300, 1, 8, 8)
    assert float(pixels.min()) >= 0.0
    assert float(pixels.max()) <= 1.0
    assert (way_of(pixels) == drawn.codes[:, 0]).float().mean() > least_agreement(model)
    ink = pixels_of(bars(model.layout)).mean()
    assert float(pixels.mean()) == pytest.approx(float(ink), rel=0.3)


@torch.no_grad()
def test_an_image_is_read_from_its_own_latents(model: Any) -> None:
    rows = bars(model.layout, seed=1)[:200]
    latents = model.encode(rows)
    assert latents.shape == (200, model.latent_dim)
    own, other = (pixels_of(model.decode(z, torch.Generator().manual_seed(0))) for z in (latents, latents.roll(1, 0)))
    errors = [float((p - pixels_of(rows)).square().mean()) for p in (own, other)]
    assert errors[0] < 0.7 * errors[1]


@torch.no_grad()
def test_noise_is_odd_and_the_score_is_that_of_columns_and_places(model: Any) -> None:
    rows = bars(model.layout, seed=2)[:100]
    noise = torch.rand(100, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    method = "likelihood" if "likelihood" in model.score_methods else None
    score = model.score(rows, method)
    odd = model.score(Batch(rows.numeric, rows.codes, pixels=noise), method)
    assert float((score.rows > odd.rows.max()).float().mean()) > 0.9
    assert score.pixels.shape == (1, 100, 8, 8)
    torch.testing.assert_close(-(score.columns.sum(-1) + score.pixels.sum((-2, -1))), score.rows, rtol=1e-4, atol=1e-3)


def test_codes_tell_bars_from_noise() -> None:
    model = fitted(FAMILIES["vq-vae"])
    rows = bars(model.layout, seed=2)[:100]
    noise = torch.rand(100, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert model.score_method(None) == "prior"
    with torch.no_grad():
        score, odd = (model.score(Batch(rows.numeric, rows.codes, pixels=p)).rows for p in (pixels_of(rows), noise))
    assert float((score > odd.max()).float().mean()) > 0.9


@torch.no_grad()
def test_given_columns_come_back_and_images_follow_them(model: Any) -> None:
    wanted = torch.tensor([LYING, STANDING]).repeat(100).unsqueeze(1)
    given = Observed.of_columns((0,), Batch(torch.zeros(200, 0), wanted))
    drawn = model.generate(200, torch.Generator().manual_seed(0), given)
    assert torch.equal(drawn.codes, wanted)
    assert (way_of(pixels_of(drawn)) == wanted[:, 0]).float().mean() > least_agreement(model)


@torch.no_grad()
def test_gaps_are_filled_by_what_the_image_shows(model: Any) -> None:
    rows = bars(model.layout, seed=3)[:200]
    gaps = Batch(rows.numeric, torch.zeros_like(rows.codes), pixels=rows.pixels)
    observed = Observed(gaps, torch.zeros(200, 1, dtype=torch.bool), impute=True)
    filled = model.generate(200, torch.Generator().manual_seed(0), observed)
    assert torch.equal(pixels_of(filled), pixels_of(rows))
    assert (filled.codes == rows.codes).float().mean() > 0.8


def test_nothing_can_be_given_beside_images_alone() -> None:
    layout = bars_layout()
    rows = bars(layout)[:5]
    alone = Batch(rows.numeric, rows.codes[:, :0], pixels=rows.pixels)
    model = VAE().build(type(layout)((), 400, image=layout.image))
    with pytest.raises(CapabilityError, match="no columns"):
        model.generate(5, torch.Generator(), Observed.of_columns((), alone))


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(("height", "width", "channels"), [(4, 6, 1), (13, 9, 3), (16, 16, 4)])
def test_images_of_any_shape_are_learned(name: str, height: int, width: int, channels: int) -> None:
    layout = bars_layout(height=height, width=width, channels=channels, n_rows=40)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = FAMILIES[name].build(layout)
    result = Trainer(max_epochs=1, progress=False).run(model, bars(layout), 0)
    assert all(math.isfinite(row["monitor"]) for row in result.history)
    drawn = model.generate(3, torch.Generator().manual_seed(0))
    assert pixels_of(drawn).shape == (3, channels, height, width)


@pytest.mark.parametrize("name", FAMILIES)
def test_images_without_columns_are_learned(name: str) -> None:
    layout = bars_layout(n_rows=40)
    alone = type(layout)((), 40, image=layout.image)
    rows = bars(layout)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = FAMILIES[name].build(alone)
    rows = Batch(rows.numeric, rows.codes[:, :0], pixels=rows.pixels)
    Trainer(max_epochs=1, progress=False).run(model, rows, 0)
    drawn = model.generate(3, torch.Generator().manual_seed(0))
    assert drawn.codes.shape == (3, 0)
    assert model.score(rows[:4]).rows.shape == (1, 4)


@pytest.mark.parametrize("name", ["vae", "vq-vae"])
def test_what_is_said_of_latents_alone_has_no_map(name: str) -> None:
    model = FAMILIES[name].build(bars_layout(n_rows=40)).eval()
    method = "prior" if name == "vq-vae" else "kl"
    assert model.score(bars(model.layout)[:3], method).pixels is None


def test_groups_of_codes_are_for_tables() -> None:
    with pytest.raises(OptionError, match=r"model\.groups=4 is for tables"):
        VQVAE(groups=4).build(bars_layout())


def test_a_mixture_of_latents_is_given_no_columns() -> None:
    with pytest.raises(OptionError, match="prior='mixture' cannot be given the columns"):
        VAE(prior="mixture").build(bars_layout())


@pytest.mark.parametrize("prior", ["normal", "flow", "autoregressive", "blockwise"])
def test_every_density_of_latents_follows_the_columns(prior: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: Any = VAE(prior=prior).build(bars_layout(n_rows=40)).eval()
        for parameter in model.prior.parameters():
            parameter.data.add_(0.1 * torch.randn_like(parameter))
    rows = bars(model.layout)
    other = Batch(rows.numeric, 3 - rows.codes, pixels=rows.pixels)
    with torch.no_grad():
        assert torch.equal(model.encode(rows), model.encode(other))  # the encoder sees the image alone
        latents = model.encode(rows).unsqueeze(0)
        assert not torch.allclose(model.log_prior_of(latents, rows), model.log_prior_of(latents, other))
        drawn = [model.draw_prior(40, torch.Generator().manual_seed(0), own) for own in (rows, other)]
    assert not torch.allclose(*drawn)


def test_gaps_are_filled_in_around_other_columns() -> None:
    image = bars_layout().image
    columns = (ColumnLayout("way", (0.0, 0.5, 0.5)), ColumnLayout("size", (0.0, 0.2, 0.4, 0.4), missing=1))
    rows = bars(bars_layout(n_rows=60))
    codes = torch.cat([rows.codes, torch.randint(1, 4, (60, 1), generator=torch.Generator().manual_seed(0))], 1)
    rows = Batch(rows.numeric, codes, pixels=rows.pixels)
    model: Any = VAE().build(Layout(columns, 60, image=image))
    Trainer(max_epochs=1, progress=False).run(model, rows, 0)
    mask = torch.zeros(60, 2, dtype=torch.bool)
    mask[:, 0], mask[30:, 1] = True, True
    filled = model.generate(60, torch.Generator().manual_seed(0), Observed(rows, mask, impute=True))
    assert torch.equal(filled.codes[:, 0], codes[:, 0])
    assert torch.equal(filled.codes[30:, 1], codes[30:, 1])
    assert int(filled.codes[:30, 1].min()) > 1  # neither unknown nor missing
