"""Conditions of the adversarial model: columns that generator and critic are given."""

from __future__ import annotations

import copy

import pytest
import torch
from adversarial_models import SIZES, built, given_class, rng_of, shares_of, trained
from toy_layouts import mixed, mixed_rows

from gensynth.errors import CapabilityError
from gensynth.model import Batch, ColumnLayout, Layout, Observed
from gensynth_gan.recipes import CGAN, GAN, WGAN


def test_the_condition_reaches_generator_and_critic():
    model = built(CGAN(**SIZES))
    noise, rows = torch.randn(20, 8, generator=rng_of()), mixed_rows(20)
    other = Batch(rows.numeric, rows.codes.clone())
    other.codes[:, 0] = rows.codes[:, 0] % 3 + 1
    real = [model.rows.encode(r) for r in (rows, other)]
    first, second = (model.generator(noise, row, rng_of()) for row in real)
    own = model.rows.entries_of((0,))
    assert not torch.equal(first[:, ~own], second[:, ~own])
    assert torch.equal(first[:, own], real[0][:, own])  # the critic sees the condition itself
    values = [model.critic(model.critic.features(row)) for row in real]
    assert not torch.allclose(*values)


def test_with_the_condition_cut_classes_no_longer_differ(cgan):
    def spread(model):
        drawn = [model.generate(2000, rng_of(), given_class(2000, code)).codes[:, 1] for code in (1, 3)]
        return abs(float(drawn[0][drawn[0] > 1].double().mean() - drawn[1][drawn[1] > 1].double().mean()))

    cut = copy.deepcopy(cgan)
    with torch.no_grad():  # the columns of the first layer that read the condition
        cut.generator.network.layers[0].weight[:, cut.generator.noise_dim :] = 0.0
    assert spread(cut) < 1.0 < 8.0 < spread(cgan)


@pytest.mark.parametrize("code", [1, 2, 3])
def test_rows_of_a_class_are_of_that_class_and_look_like_it(cgan, code):
    rows = cgan.generate(1000, rng_of(), given_class(1000, code))
    assert rows.codes[:, 0].eq(code).all()
    real = mixed_rows(6000, seed=4).codes
    real = real[(real[:, 0] == code) & (real[:, 1] > 1)][:, 1].double()
    drawn = rows.codes[rows.codes[:, 1] > 1, 1].double()
    assert abs(drawn.mean() - real.mean()) < 2.0  # classes are six bins apart


def test_classes_keep_their_frequencies_without_a_condition():
    layout = Layout((ColumnLayout("y", (0.0, 0.99, 0.01)), ColumnLayout("x", (0.0, 0.5, 0.5))), 5000, 1)
    y = torch.where(torch.arange(5000) < 50, 2, 1)
    rows = Batch(torch.zeros(5000, 0), torch.stack([y, 1 + (torch.arange(5000) % 2)], 1))
    model = trained(built(CGAN(**SIZES), layout), rows, 2)
    share = (model.generate(20_000, rng_of()).codes[:, 0] == 2).double().mean()
    assert abs(share - 0.01) < 0.003


def test_of_two_condition_columns_one_may_be_given():
    layout = mixed(n_conditions=2)
    rows = mixed_rows(2000)
    model = trained(built(CGAN(**SIZES), layout), rows, 2)
    drawn = model.generate(4000, rng_of(), Observed.of_columns((0,), given_class(4000, 3).rows)).codes
    assert drawn[:, 0].eq(3).all()
    real = rows.codes[rows.codes[:, 0] == 3]
    torch.testing.assert_close(shares_of(drawn[:, 1], 22), shares_of(real[:, 1], 22), atol=0.03, rtol=0)


def test_a_table_of_conditions_only_is_refused():
    with pytest.raises(CapabilityError, match="leave a column out"):
        CGAN(**SIZES).build(mixed(n_conditions=3))


def test_a_given_number_comes_back_exactly():
    layout = mixed()
    layout = Layout((layout.columns[1], layout.columns[0]), 2000, 1)
    rows = mixed_rows(500)
    rows = Batch(rows.numeric, rows.codes[:, [1, 0]])
    model = trained(built(CGAN(**SIZES), layout), rows, 2)
    given = Batch(torch.rand(50, 1, generator=rng_of()), torch.full((50, 2), 7))
    drawn = model.generate(50, rng_of(), Observed.of_columns((0,), given))
    assert torch.equal(drawn.numeric, given.numeric)
    assert torch.equal(drawn.codes[:, 0], given.codes[:, 0])
    free = model.generate(500, rng_of())
    present = free.codes[:, 0] >= 2
    assert free.numeric[~present].eq(0).all()
    assert free.numeric[present].std() > 0.2


def test_more_combinations_than_are_kept_still_have_their_frequencies():
    columns = tuple(ColumnLayout(n, (0.0, *[1 / 100] * 100)) for n in "abc")
    codes = torch.randint(1, 101, (6000, 3), generator=rng_of())
    codes[:3000] = 1
    model = built(CGAN(**SIZES), Layout(columns, 6000, 2))
    model.conditions.fit(Batch(torch.zeros(6000, 0), codes), rng_of())
    drawn = model.conditions.draw(4000, rng_of(), None, model.feature_mean).rows.codes[:, :2]
    assert abs((drawn == 1).all(1).double().mean() - 0.5) < 0.04


def test_conditions_on_other_columns_are_refused_with_a_way_out(cgan):
    with pytest.raises(CapabilityError, match=r"'f'.*condition_on="):
        cgan.generate(5, rng_of(), Observed.of_columns((2,), mixed_rows(5)))


@pytest.mark.parametrize("recipe", [WGAN(**SIZES), GAN(**SIZES)])
def test_unconditional_families_refuse_conditions_with_a_way_out(recipe):
    with pytest.raises(CapabilityError, match=r"'c'.*condition_on"):
        built(recipe).generate(5, rng_of(), given_class(5, 1))


def test_cgan_without_condition_columns_is_unconditional():
    model = trained(built(CGAN(**SIZES), mixed()), mixed_rows(300), 2)
    assert len(model.generate(10, rng_of())) == 10
    with pytest.raises(CapabilityError, match="condition_on"):
        model.generate(5, rng_of(), given_class(5, 1))
