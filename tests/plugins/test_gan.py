from __future__ import annotations

import copy
import dataclasses
import json

import pytest
import torch
from toy_layouts import all_rows, categories, mixed, mixed_rows

from gensynth.errors import CapabilityError, OptionError
from gensynth.model import Batch, ColumnLayout, Condition, Fit, Layout, Stage
from gensynth.nn.tabular.one_hot import OneHotRows
from gensynth.nn.tabular.two_sample import TwoSample
from gensynth.training import Trainer
from gensynth_gan.blocks import MAX_BLOCKS
from gensynth_gan.model import AdversarialModel
from gensynth_gan.recipes import CGAN, DRAGAN, GAN, LSGAN, WGAN

SIZES = {"noise_dim": 8, "width": 32, "pack": 2}
RECIPES = [
    GAN(**SIZES),
    GAN(**SIZES, loss="minimax", penalty_weight=0.0),
    WGAN(**SIZES),
    WGAN(**SIZES, clip=0.05, matching=0.0),
    WGAN(**SIZES, warm_start=0.0),
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
            optimisers = [torch.optim.AdamW(p.parameters, lr=p.learning_rate, betas=p.betas) for p in stage.phases]
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
def game_alone():
    return _train(_build(WGAN(**SIZES, ema_decay=0.99, warm_start=0.0)), mixed_rows(2000), 500)


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


@pytest.mark.parametrize("name", ["wgan", "game_alone"])
def test_dependence_is_learnt(name, request):
    model = request.getfixturevalue(name)
    statistic, real = TwoSample(mixed()), mixed_rows(3000, seed=7)
    floor = statistic(real, mixed_rows(3000, seed=8))
    codes = real.codes.clone()
    for i in range(3):
        codes[:, i] = codes[torch.randperm(3000, generator=_rng(i)), i]
    independent = statistic(real, Batch(real.numeric, codes)) - floor
    assert statistic(real, model.generate(3000, _rng())) - floor < 0.5 * independent


def test_columns_with_values_are_learnt():
    columns = (
        ColumnLayout("a", (0.0, 0.1, 0.9), True, missing=1, numeric=0, active=(2, 3), role="value"),
        ColumnLayout("b", (0.0, 1.0), True, numeric=1, active=(1, 2), role="value"),
    )
    z = torch.randn(2000, 1, generator=_rng())
    missing = torch.rand(2000, generator=_rng(1)) < 0.1
    numeric = torch.cat([torch.where(missing.unsqueeze(1), 0.0, z), z], 1)
    codes = torch.stack([torch.where(missing, 1, 2), torch.ones(2000, dtype=torch.long)], 1)
    model = _train(_build(WGAN(**SIZES, ema_decay=0.99), Layout(columns, 2000)), Batch(numeric, codes), 400)
    rows = model.generate(2000, _rng())
    present = rows.codes[:, 0] == 2
    assert 0.05 < 1 - present.double().mean() < 0.2
    assert rows.numeric[~present, 0].eq(0).all()
    assert torch.corrcoef(rows.numeric[present].T)[0, 1] > 0.6
    assert 0.6 < rows.numeric[:, 1].std() < 1.4


def test_an_untrained_generator_starts_near_the_marginals():
    model = _build(WGAN(**SIZES)).eval()
    codes = model.generate(4000, _rng()).codes
    for i, column in enumerate(mixed().columns):
        torch.testing.assert_close(
            _shares(codes[:, i], column.cardinality), torch.tensor(column.frequencies).double(), atol=0.12, rtol=0
        )


@pytest.mark.parametrize(
    ("name", "method"),
    # a critic whose generator starts good learns little of what no generator writes
    [("game_alone", "critic"), ("game_alone", "feature"), ("game_alone", "likelihood"), ("wgan", "likelihood")],
)
def test_planted_anomalies_score_lower_than_normal_rows(name, method, request):
    model = request.getfixturevalue(name)
    normal = mixed_rows(1000, seed=3)
    # the category says a low number and the flag a high one, then the other way round
    codes = torch.tensor([[1, 3, 2], [3, 21, 1]]).repeat(100, 1)
    planted = Batch(torch.full((200, 1), 0.5), codes)
    scores = [model.score(rows, method).rows for rows in (normal, planted)]
    auroc = (scores[0].unsqueeze(1) > scores[1]).double().mean()
    assert auroc > 0.8


@pytest.mark.parametrize("method", [None, "critic", "feature", "likelihood"])
def test_a_score_depends_on_its_row_alone(wgan, method):
    double = copy.deepcopy(wgan).double()
    rows = mixed_rows(64).to("cpu", torch.float64)
    scores = double.score(rows, method).rows
    assert scores.dtype == torch.float64
    torch.testing.assert_close(double.score(rows[10:13], method).rows, scores[10:13], rtol=1e-9, atol=1e-12)
    order = torch.randperm(64, generator=_rng())
    torch.testing.assert_close(double.score(rows[order], method).rows, scores[order], rtol=1e-9, atol=1e-12)


def test_an_unknown_score_method_names_the_known_ones(wgan):
    with pytest.raises(OptionError, match="'likelihood', 'feature', 'critic'"):
        wgan.score(mixed_rows(3), "elbo")


def test_real_rows_enter_the_critic_as_their_flat_rows_do():
    model = _build(WGAN(**{**SIZES, "pack": 4}))
    rows = mixed_rows(40)
    flat = model.rows.flatten(rows).view(10, -1)
    torch.testing.assert_close(model.critic.value(model.critic.enter(rows)), model.critic(flat))
    packed_with_itself = model.rows.flatten(rows).repeat(1, 4)
    torch.testing.assert_close(model.critic.value_and_features(rows)[0], model.critic(packed_with_itself))


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
    assert model.game.penalty is None
    for steps in (0, 5):
        _train(model, mixed_rows(200), steps)
        assert all(p.abs().max() <= 0.01 for p in model.critic.parameters())
    assert any(p.abs().max() > 0.01 for p in model.generator.parameters())


class _Recorder:
    """A penalty that notes the points it would look at."""

    def __init__(self, penalty):
        self.penalty, self.mixes, self.seen = penalty, penalty.mixes, []

    def __call__(self, critic, real, fake, rng, first=None):
        self.seen.append((real, fake, self.penalty.points(real, fake, rng)))
        return self.penalty(critic, real, fake, rng, first)


def test_dragan_is_penalised_around_the_data_and_wgan_between_data_and_generated_rows():
    for recipe, around in ((DRAGAN(**SIZES), True), (WGAN(**SIZES), False)):
        model = _build(recipe)
        recorder = _Recorder(model.game.penalty)
        model.game = dataclasses.replace(model.game, penalty=recorder)
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


def test_the_penalty_on_products_is_that_on_flat_rows():
    model = _build(WGAN(**SIZES)).double()
    rows, other = (mixed_rows(32, seed=i).to("cpu", torch.float64) for i in range(2))
    critic, penalty = model.critic, model.game.penalty
    flat = penalty(critic, model._packs(model.rows.flatten(rows)), model._packs(model.rows.flatten(other)), _rng())
    products = [critic.enter(b).view(-1, 2 * 32) for b in (rows, other)]
    short = penalty(critic.value, *products, _rng(), critic.weight)
    torch.testing.assert_close(short, flat)
    parameters = [critic.weight, critic.hidden.weight]
    for a, b in zip(torch.autograd.grad(short, parameters), torch.autograd.grad(flat, parameters), strict=True):
        torch.testing.assert_close(a, b)


def test_matching_is_the_generators_alone():
    plain, matched = (_build(WGAN(**SIZES, matching=w)) for w in (0.0, 50.0))
    rows = mixed_rows(64)
    assert torch.equal(plain.critic_loss(rows, _rng()), matched.critic_loss(rows, _rng()))
    assert not torch.equal(plain.generator_loss(rows, _rng()), matched.generator_loss(rows, _rng()))


def test_a_generator_of_one_row_counts_as_collapsed_and_an_untrained_one_does_not():
    model, held_out = _build(WGAN(**SIZES, warm_start=0.0)).eval(), mixed_rows(500, seed=9)
    bound = _game(model).collapse(held_out, _rng())
    assert model.distance(held_out, _rng()) < bound
    with torch.no_grad():
        for head, bias in zip(model.average.module.heads, model.average.module.biases, strict=True):
            head.zero_()
            bias.copy_(torch.where(torch.arange(len(bias)) == 2, 50.0, 0.0))
    assert model.distance(held_out, _rng()) > bound


def test_the_average_is_sampled_and_it_lags_behind_the_generator():
    model = _train(_build(WGAN(**SIZES)), mixed_rows(300), 40)
    before = model.generate(200, _rng())
    with torch.no_grad():
        for parameter in model.generator.parameters():
            parameter.fill_(0.0)
    assert torch.equal(model.generate(200, _rng()).codes, before.codes)


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_batches_that_fill_no_pack_are_used_as_they_are(n):
    model = _build(WGAN(**{**SIZES, "pack": 4}))
    for phase in _game(model).phases:
        assert torch.isfinite(phase.loss(mixed_rows(n), _rng()))


def test_monitor_is_lower_for_a_trained_model(wgan):
    held_out = mixed_rows(1000, seed=9)
    assert wgan.distance(held_out, _rng()) < _build(WGAN(**SIZES)).eval().distance(held_out, _rng())


# -- conditions ------------------------------------------------------------------------------------------------


def _given(model, n, code):
    rows = Batch(torch.zeros(n, 1), torch.zeros(n, 3, dtype=torch.long))
    rows.codes[:, 0] = code
    return Condition((0,), rows)


def test_the_condition_reaches_generator_and_critic():
    model = _build(CGAN(**SIZES))
    noise, rows = torch.randn(20, 8, generator=_rng()), mixed_rows(20)
    other = Batch(rows.numeric, rows.codes.clone())
    other.codes[:, 0] = rows.codes[:, 0] % 3 + 1
    first, second = (model.generator(noise, _rng(), given) for given in (rows, other))
    columns = slice(int(model.rows.code_slots.offsets[1]), int(model.rows.code_slots.offsets[1]) + 22)
    assert not torch.equal(first[:, columns], second[:, columns])  # another column than the condition
    assert not torch.allclose(model.critic.enter(rows), model.critic.enter(other))
    assert torch.equal(model.rows.flatten(rows)[:, :4], model.rows.flatten(rows)[:, :4])
    own = slice(int(model.rows.code_slots.offsets[0]), int(model.rows.code_slots.offsets[0]) + 4)
    assert torch.equal(first[:, own], model.rows.flatten(rows)[:, own])  # the critic sees the condition itself


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
    drawn = model.generate(4000, _rng(), Condition((0,), _given(model, 4000, 3).rows)).codes
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
    drawn = model.generate(50, _rng(), Condition((0,), given))
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
    with pytest.raises(CapabilityError, match=r"'f'.*'vlae'"):
        cgan.generate(5, _rng(), Condition((2,), mixed_rows(5)))


@pytest.mark.parametrize("recipe", [WGAN(**SIZES), GAN(**SIZES)])
def test_unconditional_families_refuse_conditions_with_a_way_out(recipe):
    with pytest.raises(CapabilityError, match=r"'c'.*'vlae'.*'cgan'"):
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
    assert len(state) <= 10
    assert type(recipe)(**state).get_params() == recipe.get_params()


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (WGAN(width=0), "width=0"),
        (WGAN(pack=1.5), "pack=1.5"),
        (WGAN(matching=-1.0), "matching=-1.0"),
        (WGAN(learning_rate=0.0), "learning_rate=0.0"),
        (DRAGAN(penalty_weight=-1.0), "penalty_weight=-1.0"),
        (WGAN(clip=-1.0), "clip=-1.0"),
        (WGAN(penalty_weight=-1.0), "penalty_weight=-1.0"),
        (GAN(ema_decay=1.0), "ema_decay=1.0"),
        (GAN(warm_start=1.0), "warm_start=1.0"),
        (GAN(loss="hinge"), "loss='hinge'"),
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


def test_many_columns_are_written_in_blocks():
    columns = tuple(ColumnLayout(f"c{i}", (0.0, 0.5, 0.3, 0.2)[: 3 + i % 2]) for i in range(100))
    model = _build(WGAN(**SIZES), Layout(columns, 1000, 0)).eval()
    rows = model.generate(50, _rng())
    assert all((rows.codes[:, i] < c.cardinality).all() for i, c in enumerate(columns))
    assert len(model.generator.parts) == MAX_BLOCKS
    # the flat rows of the generator stand in the order of those of the critic
    flat = model.generator(torch.randn(50, 8, generator=_rng()), _rng())
    for group in model.rows.code_slots.groups:
        torch.testing.assert_close(group.view(flat).sum(-1), torch.ones(50, len(group.columns)))
    assert flat[:, model.rows.code_slots.never == -torch.inf].eq(0).all()


def test_a_table_of_three_hundred_columns_trains():
    kinds = (
        {"frequencies": (0.0, 0.5, 0.3, 0.2)},
        {"frequencies": (0.0, *[0.1] * 10), "ordered": True, "active": (1, 11), "role": "position"},
    )
    columns = tuple(
        ColumnLayout(f"c{i}", **kinds[i % 2], numeric=i // 2 if i % 2 else None)
        for i in range(300)  # every other one a binned number
    )
    codes = torch.stack([torch.randint(1, c.cardinality, (200,), generator=_rng(i)) for i, c in enumerate(columns)], 1)
    numbers = torch.rand(200, 150, generator=_rng())
    model = _train(_build(WGAN(**SIZES), Layout(columns, 200)), Batch(numbers, codes), 3)
    rows = model.generate(20, _rng())
    assert rows.codes.shape == (20, 300)
    assert ((rows.numeric >= 0) & (rows.numeric <= 1)).all()


# -- the likelihood stage --------------------------------------------------------------------------------------


def _stirred(layout, n_given=0):
    """A generator whose columns depend strongly on each other and on the noise."""
    recipe = (CGAN if n_given else WGAN)(**SIZES)
    generator = _build(recipe, layout).generator.eval()
    with torch.no_grad():
        for weights in (*generator.heads, generator.first.weight):
            weights.mul_(4.0)
    return generator


def test_the_likelihood_is_that_of_a_distribution_over_all_rows():
    layout = categories(3, 2, 4)
    rows = Batch(torch.zeros(5 * 4 * 3, 0), all_rows(layout))
    noise = torch.randn(1, 8, generator=_rng()).expand(len(rows), -1)
    total = _stirred(layout).log_likelihood(rows, noise).exp().sum()
    assert total.item() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("n_given", [0, 1])
def test_rows_are_drawn_with_the_probability_that_the_likelihood_stage_trains(n_given):
    base = categories(3, 2, 3)
    layout = Layout(base.columns, 1000, n_given)
    generator = _stirred(layout, n_given)
    noise = torch.randn(1, 8, generator=_rng()).expand(20_000, -1)
    given = Batch(torch.zeros(20_000, 0), torch.full((20_000, 3), 2)) if n_given else None
    every = all_rows(layout)
    every = every[(every > 0).all(1) & (every[:, 0] == 2 if n_given else True)]
    probability = generator.log_likelihood(Batch(torch.zeros(len(every), 0), every), noise[: len(every)]).exp()
    probability = probability / probability.sum()  # what UNKNOWN would have had
    assert probability.max() > 3 * probability.min()
    rows = OneHotRows(layout)
    flat = generator(noise, _rng(1), given)
    places = list(zip(rows.code_slots.offsets.tolist(), layout.cardinalities, strict=True))
    for codes in (
        generator.draw(noise, _rng(), given).codes,
        torch.stack([flat[:, o : o + c].argmax(1) for o, c in places], 1),
    ):
        shares = (codes.unsqueeze(1) == every).all(2).double().mean(0)
        torch.testing.assert_close(shares, probability.double(), atol=0.012, rtol=0.0)


def test_the_likelihood_stage_comes_first_and_only_with_a_warm_start():
    rows = mixed_rows(64)
    warm, pure = (_build(WGAN(**SIZES, warm_start=share)) for share in (0.5, 0.0))
    assert [s.name for s in pure.stages()] == ["start of the game", "game", "marginals", "features"]
    assert [s.name for s in warm.stages() if isinstance(s, Stage)] == ["likelihood", "critic", "game"]
    likelihood, critic, _, game = warm.stages()[:4]
    assert likelihood.budget_fraction == 0.5 == pytest.approx(critic.budget_fraction + game.budget_fraction)
    rates = [_game(model).phases[1].learning_rate for model in (warm, pure)]
    assert rates[0] < rates[1]
    warm.eval()
    noise = torch.randn(64, 8, generator=_rng())
    expected = -warm.generator.log_likelihood(rows, noise).mean()
    assert torch.equal(likelihood.phases[0].loss(rows, _rng()), expected)


def test_places_inside_bins_are_learnt_with_the_codes():
    rows = mixed_rows(2000)
    rows = Batch(torch.where(rows.codes[:, 1:2] > 1, 0.25 * rows.numeric, 0.0), rows.codes)
    drawn = _train(_build(WGAN(**SIZES)), rows, 300).generate(2000, _rng())
    inside = drawn.numeric[drawn.codes[:, 1] > 1]
    assert (inside < 0.3).double().mean() > 0.9


def test_a_game_that_does_harm_ends_with_the_weights_it_began_with():
    recipe = WGAN(**SIZES, learning_rate=1.0, ema_decay=0.0, critic_steps=1)  # a ruinous game
    model, rows, seen = _build(recipe), mixed_rows(1000), []
    Trainer(max_epochs=40, progress=False, callbacks=[seen.append]).run(model, rows, seed=0)
    game = [r for r in seen if r.stage == "game"]
    assert game[-1].monitor > game[-1].best + 0.05
    alone = _build(recipe)
    alone.stages = lambda: AdversarialModel.stages(alone)[:1]
    Trainer(max_epochs=round(40 * recipe.warm_start), progress=False).run(alone, rows, seed=0)
    torch.testing.assert_close(model.generator.causal_network.inner, alone.generator.causal_network.inner)


def test_calibration_gives_every_code_its_frequency():
    model = _build(WGAN(**SIZES)).eval()
    network = model.average.module
    with torch.no_grad():
        for bias in network.biases:
            bias += torch.randn(len(bias), generator=_rng()) * 0.7
    noise, rows = torch.randn(20_000, 8, generator=_rng()), mixed_rows(2000)
    network.correct_marginals(rows, noise, _rng())
    codes = network.draw(noise, _rng(1)).codes
    for i, column in enumerate(model.layout.columns):
        shares = [_shares(c[:, i], column.cardinality) for c in (codes, rows.codes)]
        torch.testing.assert_close(*shares, atol=0.012, rtol=0)
