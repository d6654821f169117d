"""The game on images: samples, conditions, what the critic carries, scores by an encoder."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from toy_images import LYING, STANDING, bars, bars_layout, way_of

from gensynth.errors import CapabilityError, OptionError
from gensynth.model import Batch, Observed, Recipe
from gensynth.training import Trainer
from gensynth.training.checkpoints import CheckpointFile
from gensynth_gan.recipes import CGAN, DRAGAN, GAN, LSGAN, WGAN

FAMILIES: dict[str, Recipe] = {"gan": GAN(), "wgan": WGAN(), "lsgan": LSGAN(), "dragan": DRAGAN(), "cgan": CGAN()}


FAST: dict[str, Any] = {"learning_rate": 1e-3, "ema_decay": 0.98}
"""For some hundreds of steps."""


def fitted(recipe: Recipe, epochs: int, **options: Any) -> Any:
    layout = bars_layout(**options)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = recipe.build(layout)
    Trainer(max_epochs=epochs, progress=False).run(model, bars(layout), 0)
    return model


@pytest.fixture(scope="module")
def conditional() -> Any:
    return fitted(CGAN(**FAST), 60, conditions=1)


def pixels_of(rows: Batch) -> torch.Tensor:
    assert rows.pixels is not None
    return rows.pixels


@torch.no_grad()
def test_given_columns_come_back_and_images_follow_them(conditional: Any) -> None:
    wanted = torch.tensor([LYING, STANDING]).repeat(100).unsqueeze(1)
    given = Observed.of_columns((0,), Batch(torch.zeros(200, 0), wanted))
    drawn = conditional.generate(200, torch.Generator().manual_seed(0), given)
    assert torch.equal(drawn.codes, wanted)
    assert (way_of(pixels_of(drawn)) == wanted[:, 0]).float().mean() > 0.8


@torch.no_grad()
def test_images_do_not_follow_a_condition_that_is_cut(conditional: Any) -> None:
    wanted = torch.tensor([LYING, STANDING]).repeat(100).unsqueeze(1)
    row = conditional.rows.encode(Batch(torch.zeros(200, 0), wanted))
    noise = torch.randn(200, conditional.generator.noise_dim, generator=torch.Generator().manual_seed(0))
    cut, _ = conditional.generator(noise, torch.zeros_like(row), torch.Generator())
    assert abs(float((way_of(cut) == wanted[:, 0]).float().mean()) - 0.5) < 0.2


@torch.no_grad()
def test_a_row_does_not_depend_on_the_others_of_its_sample(conditional: Any) -> None:
    noise = torch.randn(6, conditional.generator.noise_dim, generator=torch.Generator().manual_seed(0))
    row = conditional.rows.encode(bars(conditional.layout)[:6])
    whole, _ = conditional.generator(noise, row, torch.Generator())
    part, _ = conditional.generator(noise[:2], row[:2], torch.Generator())
    torch.testing.assert_close(whole[:2], part)


@torch.no_grad()
def test_an_image_is_written_again_by_the_generator(conditional: Any) -> None:
    rows = bars(conditional.layout, seed=1)[:100]
    other = torch.arange(100).roll(1)
    same_way = Batch(rows.numeric, rows.codes, pixels=pixels_of(rows)[other])
    own, rolled = (conditional.encoder(r)[0] for r in (rows, same_way))
    row = conditional.rows.encode(rows)
    made = [conditional.generator(z, row, torch.Generator())[0] for z in (own, rolled)]
    errors = [float((m - pixels_of(rows)).square().mean()) for m in made]
    assert errors[0] < 0.8 * errors[1]
    score = conditional.score(rows, "reconstruction")
    assert score.pixels.shape == (100, 8, 8)
    torch.testing.assert_close(-(score.columns.sum(-1) + score.pixels.sum((-2, -1))), score.rows, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", ["gan", "cgan"])
def test_a_score_is_of_the_row_itself_wherever_it_stands(name: str) -> None:
    model = fitted(FAMILIES[name], 5)  # no columns are given: the generator draws all of them for a sample
    rows, back = bars(model.layout)[:20], torch.arange(19, -1, -1)
    for method in model.score_methods:
        scores = model.score(rows, method).rows
        torch.testing.assert_close(model.score(rows[back], method).rows, scores[back], rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_without_the_critic_nothing_is_learned() -> None:
    errors = []
    for steps in (True, False):
        layout = bars_layout()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model: Any = GAN(**FAST).build(layout)
        if not steps:
            model.generator_loss = functools.partial(_no_word_of_the_critic, model)
        Trainer(max_epochs=30, progress=False).run(model, bars(layout), 0)
        errors.append(float(model.distance(bars(layout, seed=1), torch.Generator().manual_seed(0))))
    assert errors[0] < 0.7 * errors[1]


def _no_word_of_the_critic(model: Any, batch: Batch, rng: torch.Generator) -> torch.Tensor:
    drawn: torch.Tensor = model.fake(model.real(batch, rng)[1], rng)
    return 0.0 * drawn.mean()


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(("height", "width", "channels"), [(4, 6, 1), (13, 9, 3), (16, 16, 4)])
def test_images_of_any_shape_are_learned(name: str, height: int, width: int, channels: int) -> None:
    layout = bars_layout(height=height, width=width, channels=channels, n_rows=40)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: Any = FAMILIES[name].build(layout)
    result = Trainer(max_epochs=1, progress=False).run(model, bars(layout), 0)
    assert all(math.isfinite(row["monitor"]) for row in result.history)
    assert pixels_of(model.generate(3, torch.Generator().manual_seed(0))).shape == (3, channels, height, width)
    for method in model.score_methods:
        assert model.score(bars(layout)[:2], method).rows.shape == (2,)


@pytest.mark.parametrize("name", FAMILIES)
def test_images_without_columns_are_learned(name: str) -> None:
    layout = bars_layout(n_rows=40)
    rows = bars(layout)
    rows = Batch(rows.numeric, rows.codes[:, :0], pixels=rows.pixels)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: Any = FAMILIES[name].build(type(layout)((), 40, image=layout.image))
    Trainer(max_epochs=1, progress=False).run(model, rows, 0)
    assert model.generate(3, torch.Generator().manual_seed(0)).codes.shape == (3, 0)


def test_columns_that_it_was_not_told_of_are_refused() -> None:
    model = GAN().build(bars_layout(n_rows=40))
    given = Observed.of_columns((0,), bars(model.layout)[:2])
    with pytest.raises(CapabilityError, match="'way'"):
        model.generate(2, torch.Generator(), given)


@pytest.mark.slow
def test_an_interrupted_game_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CheckpointFile, "is_due", lambda _: True)
    layout = bars_layout(n_rows=120)
    rows = bars(layout)
    rounds = 0

    def interrupt(_: object) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 2:
            raise KeyboardInterrupt

    def model() -> Any:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return GAN(**FAST).build(layout)

    options: dict[str, Any] = {"max_epochs": 30, "progress": False, "device": "cpu"}
    undisturbed, broken, resumed = model(), model(), model()
    Trainer(**options).run(undisturbed, rows, 0)
    options["checkpoint"] = tmp_path / "c.pt"
    with pytest.raises(KeyboardInterrupt):
        Trainer(**options, callbacks=[interrupt]).run(broken, rows, 0)
    Trainer(**options).run(resumed, rows, 0, resume=True)
    for name, value in undisturbed.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


@pytest.mark.parametrize("settings", [{"pac": 2}, {"mmd_weight": 0.1}, {"pretrain_fraction": 0.2}])
def test_what_images_do_not_read_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="is for tables"):
        GAN(**settings).build(bars_layout())
