from __future__ import annotations

import copy
import dataclasses
import json
from typing import Any

import pytest
import torch
from toy_layouts import mixed, mixed_rows

from gensynth.errors import CapabilityError, OptionError
from gensynth.model import Batch, ColumnLayout, Fit, Layout, NumericSlot, Observed, Stage
from gensynth.nn.tabular.two_sample import TwoSample
from gensynth.training import Trainer
from gensynth.training.callbacks import EvaluationRound
from gensynth_gan.model import AdversarialModel
from gensynth_gan.recipes import CGAN, DRAGAN, GAN, LSGAN, WGAN

SIZES: dict[str, Any] = {"noise_dim": 8, "width": 32, "pac": 2}
RECIPES = [
    GAN(**SIZES),
    GAN(**SIZES, loss="minimax", penalty_weight=0.0),
    GAN(**SIZES, loss="non-saturating"),
    WGAN(**SIZES),
    WGAN(**SIZES, clip=0.05, mmd_weight=1.0, n_critic=2),
    WGAN(**SIZES, pretrain_fraction=0.5),
    LSGAN(**SIZES),
    DRAGAN(**SIZES),
    CGAN(**SIZES),
]


def _rng(seed=0):
    return torch.Generator().manual_seed(seed)


def _build(recipe, layout=None):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return recipe.build(layout or mixed(n_conditions=1))


def _train(model, rows, steps, seed=1):
    """The loop of the trainer in short."""
    rng = _rng(seed)
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(0)
        for stage in model.stages():
            if isinstance(stage, Fit):
                with torch.no_grad():
                    stage.function(rows, rng)
                continue
            optimisers = [
                torch.optim.AdamW(p.parameters, lr=p.optimizer.learning_rate, betas=p.optimizer.betas)
                for p in stage.phases
            ]
            for step in range(1, steps + 1):
                batch = rows[torch.randint(0, len(rows), (128,), generator=rng)]
                for phase, optimiser in zip(stage.phases, optimisers, strict=True):
                    if step % phase.every == 0:
                        loss = phase.loss(batch, rng)
                        optimiser.zero_grad(set_to_none=True)
                        loss.backward()
                        optimiser.step()
                        if phase.after_step is not None:
                            phase.after_step()
    return model.eval()


def _game(model):
    """The stage that is the game, whatever stands before it."""
    return next(stage for stage in model.stages() if stage.name == "game")


def _shares(codes, cardinality):
    return torch.bincount(codes, minlength=cardinality).double() / len(codes)


@pytest.fixture(scope="module")
def wgan():
    return _train(_build(WGAN(**SIZES, ema_decay=0.99)), mixed_rows(2000), 500)


@pytest.fixture(scope="module")
def cgan():
    return _train(_build(CGAN(**SIZES, ema_decay=0.99)), mixed_rows(2000), 500)


@pytest.mark.parametrize("recipe", RECIPES, ids=repr)
def test_every_variant_trains_and_draws_rows_of_the_layout(recipe):
    layout = mixed(n_conditions=1)
    model = _train(_build(recipe), mixed_rows(500), 4)
    rows = model.generate(300, _rng())
    assert rows.codes.shape == (300, 3)
    assert rows.numeric.shape == (300, 1)
    for i, column in enumerate(layout.columns):
        assert ((rows.codes[:, i] > 0) & (rows.codes[:, i] < column.cardinality)).all()
    assert rows.numeric[rows.codes[:, 1] == 1].eq(0).all()
    assert torch.isfinite(model.score(rows).rows).all()
    assert torch.isfinite(model.score(rows, "feature").rows).all()
    again = model.generate(300, _rng())
    assert torch.equal(rows.codes, again.codes)
    assert torch.equal(rows.numeric, again.numeric)


def test_dependence_is_learnt(wgan):
    statistic, real = TwoSample(mixed()), mixed_rows(3000, seed=7)
    floor = statistic(real, mixed_rows(3000, seed=8))
    codes = real.codes.clone()
    for i in range(3):
        codes[:, i] = codes[torch.randperm(3000, generator=_rng(i)), i]
    independent = statistic(real, Batch(real.numeric, codes)) - floor
    assert statistic(real, wgan.generate(3000, _rng())) - floor < 0.5 * independent


def test_an_untrained_generator_starts_near_the_marginals():
    model = _build(WGAN(**SIZES)).eval()
    codes = model.generate(4000, _rng()).codes
    for i, column in enumerate(mixed().columns):
        torch.testing.assert_close(
            _shares(codes[:, i], column.cardinality), torch.tensor(column.frequencies).double(), atol=0.12, rtol=0
        )


@pytest.mark.parametrize("method", ["critic", "feature"])
def test_planted_anomalies_score_lower_than_normal_rows(wgan, method):
    normal = mixed_rows(1000, seed=3)
    # the category says a low number and the flag a high one, then the other way round
    codes = torch.tensor([[1, 3, 2], [3, 21, 1]]).repeat(100, 1)
    planted = Batch(torch.full((200, 1), 0.5), codes)
    scores = [wgan.score(rows, method).rows for rows in (normal, planted)]
    auroc = (scores[0].unsqueeze(1) > scores[1]).double().mean()
    assert auroc > 0.7


@pytest.mark.parametrize("method", [None, "critic", "feature"])
def test_a_score_depends_on_its_row_alone(wgan, method):
    double = copy.deepcopy(wgan).double()
    rows = mixed_rows(64).to("cpu", torch.float64)
    scores = double.score(rows, method).rows
    assert scores.dtype == torch.float64
    torch.testing.assert_close(double.score(rows[10:13], method).rows, scores[10:13], rtol=1e-9, atol=1e-12)
    order = torch.randperm(64, generator=_rng())
    torch.testing.assert_close(double.score(rows[order], method).rows, scores[order], rtol=1e-9, atol=1e-12)


def test_an_unknown_score_method_names_the_known_ones(wgan):
    with pytest.raises(OptionError, match="'feature', 'critic'"):
        wgan.score(mixed_rows(3), "elbo")


def test_rows_of_a_pack_are_judged_together():
    model = _build(WGAN(**{**SIZES, "pac": 4}))
    features = model.critic.features(model.rows.encode(mixed_rows(40)))
    values = model.critic(features)
    assert values.shape == (10,)
    torch.testing.assert_close(model.critic(features.view(10, -1)), values)
    value, _ = model.critic.value_and_hidden(model.rows.encode(mixed_rows(40)))
    torch.testing.assert_close(value, model.critic(features.repeat_interleave(4, 0)))


def test_each_phase_leaves_gradients_in_its_own_network_only():
    model = _build(WGAN(**SIZES))
    critic, generator = _game(model).phases
    critic.loss(mixed_rows(64), _rng()).backward()
    assert all(p.grad is None for p in model.generator.parameters())
    assert all(p.grad is not None for p in critic.parameters)
    model.zero_grad(set_to_none=True)
    generator.loss(mixed_rows(64), _rng()).backward()
    assert all(p.grad is None for p in model.critic.parameters())
    assert all(p.requires_grad for p in model.critic.parameters())
    assert sum(p.grad.abs().sum() for p in generator.parameters if p.grad is not None) > 0


def test_the_same_seed_gives_the_same_losses_and_leaves_the_global_state_alone():
    model, rows = _build(WGAN(**SIZES)), mixed_rows(64)
    before = torch.get_rng_state()
    for phase in _game(model).phases:
        assert torch.equal(phase.loss(rows, _rng(3)), phase.loss(rows, _rng(3)))
        assert not torch.equal(phase.loss(rows, _rng(3)), phase.loss(rows, _rng(4)))
    assert torch.equal(before, torch.get_rng_state())


def test_clipping_bounds_every_critic_weight_at_the_start_and_after_each_step():
    model = _build(WGAN(**SIZES, clip=0.01))
    assert model.objective.penalty is None
    for steps in (0, 5):
        _train(model, mixed_rows(200), steps)
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
        model = _build(recipe)
        recorder = _Recorder(model.objective.penalty)
        model.objective = dataclasses.replace(model.objective, penalty=recorder)
        model.critic_loss(mixed_rows(64), _rng())
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
    plain, matched = (_build(WGAN(**SIZES, mmd_weight=w)) for w in (0.0, 50.0))
    rows = mixed_rows(64)
    assert torch.equal(plain.critic_loss(rows, _rng()), matched.critic_loss(rows, _rng()))
    assert not torch.equal(plain.generator_loss(rows, _rng()), matched.generator_loss(rows, _rng()))


@pytest.mark.parametrize("recipe", [GAN(**SIZES), WGAN(**SIZES), LSGAN(**SIZES), DRAGAN(**SIZES)], ids=repr)
def test_without_the_gradient_of_the_critic_nothing_is_learnt(recipe):
    rows, held_out = mixed_rows(2000), mixed_rows(1000, seed=9)
    played, deaf = _build(recipe), _build(recipe)
    forward = deaf.critic.forward
    deaf.generator_loss = lambda batch, rng: _deaf_loss(deaf, forward, batch, rng)
    distances = [float(_train(model, rows, 400).distance(held_out, _rng())) for model in (played, deaf)]
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
    model, held_out = _build(WGAN(**SIZES)).eval(), mixed_rows(500, seed=9)
    bound = _game(model).collapse_bound(held_out, _rng())
    assert model.distance(held_out, _rng()) < bound
    with torch.no_grad():
        model.generator.network.out.weight.zero_()
    assert model.distance(held_out, _rng()) > bound


def test_the_average_of_the_weights_is_what_is_kept():
    model = _build(WGAN(**SIZES, ema_decay=0.5, pretrain_fraction=0.2))
    assert {stage.ema_decay for stage in model.stages() if isinstance(stage, Stage)} == {0.5}


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_batches_that_fill_no_pack_are_used_as_they_are(n):
    model = _build(WGAN(**{**SIZES, "pac": 4}))
    for phase in _game(model).phases:
        assert torch.isfinite(phase.loss(mixed_rows(n), _rng()))


def test_monitor_is_lower_for_a_trained_model(wgan):
    held_out = mixed_rows(1000, seed=9)
    assert wgan.distance(held_out, _rng()) < _build(WGAN(**SIZES)).eval().distance(held_out, _rng())


# -- conditions ------------------------------------------------------------------------------------------------


def _given(model, n, code):
    rows = Batch(torch.zeros(n, 1), torch.zeros(n, 3, dtype=torch.long))
    rows.codes[:, 0] = code
    return Observed.of_columns((0,), rows)


def test_the_condition_reaches_generator_and_critic():
    model = _build(CGAN(**SIZES))
    noise, rows = torch.randn(20, 8, generator=_rng()), mixed_rows(20)
    other = Batch(rows.numeric, rows.codes.clone())
    other.codes[:, 0] = rows.codes[:, 0] % 3 + 1
    real = [model.rows.encode(r) for r in (rows, other)]
    first, second = (model.generator(noise, _rng(), row) for row in real)
    own = model.rows.entries_of((0,))
    assert not torch.equal(first[:, ~own], second[:, ~own])
    assert torch.equal(first[:, own], real[0][:, own])  # the critic sees the condition itself
    values = [model.critic(model.critic.features(row)) for row in real]
    assert not torch.allclose(*values)


def test_with_the_condition_cut_classes_no_longer_differ(cgan):
    def spread(model):
        drawn = [model.generate(2000, _rng(), _given(model, 2000, code)).codes[:, 1] for code in (1, 3)]
        return abs(float(drawn[0][drawn[0] > 1].double().mean() - drawn[1][drawn[1] > 1].double().mean()))

    cut = copy.deepcopy(cgan)
    with torch.no_grad():  # the columns of the first layer that read the condition
        cut.generator.network.layers[0].weight[:, cut.generator.noise_dim :] = 0.0
    assert spread(cut) < 1.0 < 8.0 < spread(cgan)


@pytest.mark.parametrize("code", [1, 2, 3])
def test_rows_of_a_class_are_of_that_class_and_look_like_it(cgan, code):
    rows = cgan.generate(1000, _rng(), _given(cgan, 1000, code))
    assert rows.codes[:, 0].eq(code).all()
    real = mixed_rows(6000, seed=4).codes
    real = real[(real[:, 0] == code) & (real[:, 1] > 1)][:, 1].double()
    drawn = rows.codes[rows.codes[:, 1] > 1, 1].double()
    assert abs(drawn.mean() - real.mean()) < 2.0  # classes are six bins apart


def test_classes_keep_their_frequencies_without_a_condition():
    layout = Layout((ColumnLayout("y", (0.0, 0.99, 0.01)), ColumnLayout("x", (0.0, 0.5, 0.5))), 5000, 1)
    y = torch.where(torch.arange(5000) < 50, 2, 1)
    rows = Batch(torch.zeros(5000, 0), torch.stack([y, 1 + (torch.arange(5000) % 2)], 1))
    model = _train(_build(CGAN(**SIZES), layout), rows, 2)
    share = (model.generate(20_000, _rng()).codes[:, 0] == 2).double().mean()
    assert abs(share - 0.01) < 0.003


def test_of_two_condition_columns_one_may_be_given():
    layout = mixed(n_conditions=2)
    rows = mixed_rows(2000)
    model = _train(_build(CGAN(**SIZES), layout), rows, 2)
    drawn = model.generate(4000, _rng(), Observed.of_columns((0,), _given(model, 4000, 3).rows)).codes
    assert drawn[:, 0].eq(3).all()
    real = rows.codes[rows.codes[:, 0] == 3]
    torch.testing.assert_close(_shares(drawn[:, 1], 22), _shares(real[:, 1], 22), atol=0.03, rtol=0)


def test_a_table_of_conditions_only_is_refused():
    with pytest.raises(CapabilityError, match="leave a column out"):
        CGAN(**SIZES).build(mixed(n_conditions=3))


def test_a_given_number_comes_back_exactly():
    layout = mixed()
    layout = Layout((layout.columns[1], layout.columns[0]), 2000, 1)
    rows = mixed_rows(500)
    rows = Batch(rows.numeric, rows.codes[:, [1, 0]])
    model = _train(_build(CGAN(**SIZES), layout), rows, 2)
    given = Batch(torch.rand(50, 1, generator=_rng()), torch.full((50, 2), 7))
    drawn = model.generate(50, _rng(), Observed.of_columns((0,), given))
    assert torch.equal(drawn.numeric, given.numeric)
    assert torch.equal(drawn.codes[:, 0], given.codes[:, 0])
    free = model.generate(500, _rng())
    present = free.codes[:, 0] >= 2
    assert free.numeric[~present].eq(0).all()
    assert free.numeric[present].std() > 0.2


def test_more_combinations_than_are_kept_still_have_their_frequencies():
    columns = tuple(ColumnLayout(n, (0.0, *[1 / 100] * 100)) for n in "abc")
    codes = torch.randint(1, 101, (6000, 3), generator=_rng())
    codes[:3000] = 1
    model = _build(CGAN(**SIZES), Layout(columns, 6000, 2))
    model.conditions.fit(Batch(torch.zeros(6000, 0), codes), _rng())
    drawn = model.conditions.draw(4000, _rng(), None, model.feature_mean).codes[:, :2]
    assert abs((drawn == 1).all(1).double().mean() - 0.5) < 0.04


def test_conditions_on_other_columns_are_refused_with_a_way_out(cgan):
    with pytest.raises(CapabilityError, match=r"'f'.*condition_on="):
        cgan.generate(5, _rng(), Observed.of_columns((2,), mixed_rows(5)))


@pytest.mark.parametrize("recipe", [WGAN(**SIZES), GAN(**SIZES)])
def test_unconditional_families_refuse_conditions_with_a_way_out(recipe):
    with pytest.raises(CapabilityError, match=r"'c'.*condition_on"):
        _build(recipe).generate(5, _rng(), _given(None, 5, 1))


def test_cgan_without_condition_columns_is_unconditional():
    model = _train(_build(CGAN(**SIZES), mixed()), mixed_rows(300), 2)
    assert len(model.generate(10, _rng())) == 10
    with pytest.raises(CapabilityError, match="condition_on"):
        model.generate(5, _rng(), _given(None, 5, 1))


# -- recipes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RECIPES, ids=repr)
def test_recipes_are_plain_json_and_rebuild_themselves(recipe):
    state = json.loads(json.dumps(recipe.to_json()))
    assert len(state) <= 15
    assert type(recipe)(**state).get_params() == recipe.get_params()


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (WGAN(width=0), "width=0"),
        (WGAN(pac=1.5), "pac=1.5"),  # type: ignore[arg-type]  # what is refused
        (WGAN(mmd_weight=-1.0), "mmd_weight=-1.0"),
        (WGAN(learning_rate=0.0), "learning_rate=0.0"),
        (DRAGAN(penalty_weight=-1.0), "penalty_weight=-1.0"),
        (WGAN(clip=-1.0), "clip=-1.0"),
        (WGAN(penalty_weight=-1.0), "penalty_weight=-1.0"),
        (GAN(ema_decay=1.0), "ema_decay=1.0"),
        (GAN(pretrain_fraction=1.0), "pretrain_fraction=1.0"),
        (GAN(loss="hinge"), "loss='hinge'"),  # type: ignore[arg-type]  # what is refused
    ],
)
def test_impossible_settings_are_named(recipe, message):
    with pytest.raises(OptionError, match=message):
        recipe.build(mixed())


def test_weights_come_back_into_a_freshly_built_model(cgan):
    other = CGAN(**SIZES, ema_decay=0.99).build(mixed(n_conditions=1)).eval()
    other.load_state_dict(cgan.state_dict())
    assert torch.equal(other.generate(100, _rng()).codes, cgan.generate(100, _rng()).codes)
    torch.testing.assert_close(other.score(mixed_rows(50)).rows, cgan.score(mixed_rows(50)).rows)


def test_a_table_of_three_hundred_columns_trains():
    columns = tuple(
        ColumnLayout(f"c{i}", (0.0, *[0.1] * 10), True, numeric=NumericSlot(i // 2, range(1, 11), "within_bin"))
        if i % 2
        else ColumnLayout(f"c{i}", (0.0, 0.5, 0.3, 0.2))
        for i in range(300)
    )
    codes = torch.stack([torch.randint(1, c.cardinality, (200,), generator=_rng(i)) for i, c in enumerate(columns)], 1)
    numbers = torch.rand(200, 150, generator=_rng())
    model = _train(_build(WGAN(**SIZES), Layout(columns, 200)), Batch(numbers, codes), 3)
    rows = model.generate(20, _rng())
    assert rows.codes.shape == (20, 300)
    assert ((rows.numeric >= 0) & (rows.numeric <= 1)).all()


# -- stages ----------------------------------------------------------------------------------------------------


def test_the_game_is_the_training_and_what_comes_before_it_is_an_option():
    rows = mixed_rows(64)
    pretrained, pure = (_build(WGAN(**SIZES, pretrain_fraction=share)) for share in (0.5, 0.0))
    assert GAN().pretrain_fraction == 0.0
    assert [s.name for s in pure.stages()] == ["columns", "game", "marginals"]
    assert [s.name for s in pretrained.stages()] == ["columns", "pretrain", "game", "marginals"]
    _, first, game, _ = pretrained.stages()
    assert first.budget_fraction == game.budget_fraction == 0.5
    loss = first.phases[0].loss(rows, _rng())
    loss.backward()
    assert sum(p.grad.abs().sum() for p in pretrained.generator.parameters()) > 0
    assert all(p.grad is None for p in pretrained.critic.parameters())


def test_the_history_shows_both_losses_and_the_statistic():
    model = _build(GAN(**SIZES))
    seen: list[EvaluationRound] = []
    Trainer(max_epochs=3, progress=False, callbacks=[seen.append]).run(model, mixed_rows(300), seed=0)
    assert {"critic", "generator"} == set(seen[-1].losses)
    assert 0 < seen[-1].monitor < 3


def test_marginals_of_samples_are_those_of_the_table():
    model = _build(WGAN(**SIZES)).eval()
    rows = mixed_rows(2000)
    start, _, end = model.stages()
    start.function(rows, _rng())
    with torch.no_grad():
        bias = model.generator.network.out.bias
        bias += torch.randn(len(bias), generator=_rng()) * 0.7
    with torch.no_grad():
        end.function(rows, _rng())
    codes = model.generate(20_000, _rng(1)).codes
    for i, column in enumerate(model.layout.columns):
        shares = [_shares(c[:, i], column.cardinality) for c in (codes, rows.codes)]
        torch.testing.assert_close(*shares, atol=0.015, rtol=0)
