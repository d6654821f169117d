"""The game of the adversarial model: phases, penalties, stages, and that the critic's gradient is what teaches."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from adversarial_models import SIZES, built, game_of, rng_of, trained
from toy_layouts import mixed_rows

from gensynth.model import Stage
from gensynth.training import Trainer
from gensynth.training.callbacks import EvaluationRound
from gensynth_gan.model import AdversarialModel
from gensynth_gan.recipes import DRAGAN, GAN, LSGAN, WGAN


def test_each_phase_leaves_gradients_in_its_own_network_only():
    model = built(WGAN(**SIZES))
    critic, generator = game_of(model).phases
    critic.loss(mixed_rows(64), rng_of()).backward()
    assert all(p.grad is None for p in model.generator.parameters())
    assert all(p.grad is not None for p in critic.parameters)
    model.zero_grad(set_to_none=True)
    generator.loss(mixed_rows(64), rng_of()).backward()
    assert all(p.grad is None for p in model.critic.parameters())
    assert all(p.requires_grad for p in model.critic.parameters())
    assert sum(p.grad.abs().sum() for p in generator.parameters if p.grad is not None) > 0


def test_the_same_seed_gives_the_same_losses_and_leaves_the_global_state_alone():
    model, rows = built(WGAN(**SIZES)), mixed_rows(64)
    before = torch.get_rng_state()
    for phase in game_of(model).phases:
        assert torch.equal(phase.loss(rows, rng_of(3)), phase.loss(rows, rng_of(3)))
        assert not torch.equal(phase.loss(rows, rng_of(3)), phase.loss(rows, rng_of(4)))
    assert torch.equal(before, torch.get_rng_state())


def test_clipping_bounds_every_critic_weight_at_the_start_and_after_each_step():
    model = built(WGAN(**SIZES, clip=0.01))
    assert model.objective.penalty is None
    for steps in (0, 5):
        trained(model, mixed_rows(200), steps)
        assert all(p.abs().max() <= 0.01 for p in model.critic.parameters())
    assert any(p.abs().max() > 0.01 for p in model.generator.parameters())


class _Recorder:
    """A penalty that notes the points it would look at."""

    def __init__(self, penalty):
        self.penalty, self.seen = penalty, []

    def __call__(self, critic, real, fake, rng):
        self.seen.append((real, fake, self.penalty.points(real, fake, rng)))
        return self.penalty(critic, real, fake, rng)


def test_dragan_is_penalised_around_the_data_and_wgan_between_data_and_generated_rows():
    for recipe, around in ((DRAGAN(**SIZES), True), (WGAN(**SIZES), False)):
        model = built(recipe)
        recorder = _Recorder(model.objective.penalty)
        model.objective = dataclasses.replace(model.objective, penalty=recorder)
        model.critic_loss(mixed_rows(64), rng_of())
        ((real, fake, points),) = recorder.seen
        on_segments = ((points - real) * (fake - real)).sum(1) / (fake - real).square().sum(1)
        rest = (points - torch.lerp(real, fake, on_segments.unsqueeze(1))).norm(dim=1)
        assert not torch.equal(points, real)
        if around:
            assert ((points - real).abs() <= 0.5 * real.std()).all()
            assert (rest > 1e-3).any()
        else:
            assert (rest < 1e-4).all()


def test_the_mean_discrepancy_is_the_generators_alone():
    plain, matched = (built(WGAN(**SIZES, mmd_weight=w)) for w in (0.0, 50.0))
    rows = mixed_rows(64)
    assert torch.equal(plain.critic_loss(rows, rng_of()), matched.critic_loss(rows, rng_of()))
    assert not torch.equal(plain.generator_loss(rows, rng_of()), matched.generator_loss(rows, rng_of()))


@pytest.mark.parametrize("recipe", [GAN(**SIZES), WGAN(**SIZES), LSGAN(**SIZES), DRAGAN(**SIZES)], ids=repr)
def test_without_the_gradient_of_the_critic_nothing_is_learnt(recipe):
    rows, held_out = mixed_rows(2000), mixed_rows(1000, seed=9)
    played, deaf = built(recipe), built(recipe)
    forward = deaf.critic.forward
    deaf.generator_loss = lambda batch, rng: _deaf_loss(deaf, forward, batch, rng)
    distances = [float(trained(model, rows, 400).distance(held_out, rng_of())) for model in (played, deaf)]
    floor = float(played.two_sample(held_out, mixed_rows(1000, seed=10)))
    assert distances[0] - floor < 0.6 * (distances[1] - floor)


def _deaf_loss(model, forward, batch, rng):
    """The generator's loss with the critic's gradient cut."""
    model.critic.forward = lambda features: forward(features.detach())
    try:
        loss = AdversarialModel.generator_loss(model, batch, rng)
    finally:
        del model.critic.forward
    return loss + 0.0 * sum(p.sum() for p in model.generator.parameters())


def test_a_generator_of_one_row_counts_as_collapsed_and_an_untrained_one_does_not():
    model, held_out = built(WGAN(**SIZES)).eval(), mixed_rows(500, seed=9)
    collapse_bound = game_of(model).collapse_bound
    assert collapse_bound is not None
    bound = collapse_bound(held_out, rng_of())
    assert model.distance(held_out, rng_of()) < bound
    with torch.no_grad():
        model.generator.network.out.weight.zero_()
    assert model.distance(held_out, rng_of()) > bound


def test_the_average_of_the_weights_is_what_is_kept():
    model = built(WGAN(**SIZES, ema_decay=0.5, pretrain_fraction=0.2))
    assert {stage.ema_decay for stage in model.stages() if isinstance(stage, Stage)} == {0.5}


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_batches_that_fill_no_pack_are_used_as_they_are(n):
    model = built(WGAN(**{**SIZES, "pac": 4}))
    for phase in game_of(model).phases:
        assert torch.isfinite(phase.loss(mixed_rows(n), rng_of()))


def test_monitor_is_lower_for_a_trained_model(wgan):
    held_out = mixed_rows(1000, seed=9)
    assert wgan.distance(held_out, rng_of()) < built(WGAN(**SIZES)).eval().distance(held_out, rng_of())


def test_the_game_is_the_training_and_what_comes_before_it_is_an_option():
    rows = mixed_rows(64)
    pretrained, pure = (built(WGAN(**SIZES, pretrain_fraction=share)) for share in (0.5, 0.0))
    assert GAN().pretrain_fraction == 0.0
    assert [s.name for s in pure.stages()] == ["columns", "game", "marginals"]
    assert [s.name for s in pretrained.stages()] == ["columns", "pretrain", "game", "marginals"]
    _, first, game, _ = pretrained.stages()
    assert first.budget_fraction == game.budget_fraction == 0.5
    loss = first.phases[0].loss(rows, rng_of())
    loss.backward()
    assert sum(p.grad.abs().sum() for p in pretrained.generator.parameters()) > 0
    assert all(p.grad is None for p in pretrained.critic.parameters())


def test_the_history_shows_both_losses_and_the_statistic():
    model = built(GAN(**SIZES))
    seen: list[EvaluationRound] = []
    Trainer(max_epochs=3, progress=False, callbacks=[seen.append]).run(model, mixed_rows(300), seed=0)
    assert {"critic", "generator"} == set(seen[-1].losses)
    assert 0 < seen[-1].monitor < 3
