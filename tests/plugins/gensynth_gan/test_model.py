"""The adversarial model: variants, what it learns and draws."""

from __future__ import annotations

import torch
from adversarial_models import SIZES, built, rng_of, shares_of, trained
from toy_layouts import mixed, mixed_rows

from gensynth.model import Batch, ColumnLayout, Layout, NumericSlot
from gensynth.nn.tabular.two_sample import TwoSample
from gensynth_gan.recipes import CGAN, WGAN


def test_every_variant_trains_and_draws_rows_of_the_layout(variant):
    layout = mixed(n_conditions=1)
    model = trained(built(variant), mixed_rows(500), 4)
    rows = model.generate(300, rng_of())
    assert rows.codes.shape == (300, 3)
    assert rows.numeric.shape == (300, 1)
    for i, column in enumerate(layout.columns):
        assert ((rows.codes[:, i] > 0) & (rows.codes[:, i] < column.cardinality)).all()
    assert rows.numeric[rows.codes[:, 1] == 1].eq(0).all()
    assert torch.isfinite(model.score(rows).rows).all()
    assert torch.isfinite(model.score(rows, "feature").rows).all()
    again = model.generate(300, rng_of())
    assert torch.equal(rows.codes, again.codes)
    assert torch.equal(rows.numeric, again.numeric)


def test_dependence_is_learnt(wgan):
    statistic, real = TwoSample(mixed()), mixed_rows(3000, seed=7)
    floor = statistic(real, mixed_rows(3000, seed=8))
    codes = real.codes.clone()
    for i in range(3):
        codes[:, i] = codes[torch.randperm(3000, generator=rng_of(i)), i]
    independent = statistic(real, Batch(real.numeric, codes)) - floor
    assert statistic(real, wgan.generate(3000, rng_of())) - floor < 0.5 * independent


def test_an_untrained_generator_starts_near_the_marginals():
    model = built(WGAN(**SIZES)).eval()
    codes = model.generate(4000, rng_of()).codes
    for i, column in enumerate(mixed().columns):
        torch.testing.assert_close(
            shares_of(codes[:, i], column.cardinality), torch.tensor(column.frequencies).double(), atol=0.12, rtol=0
        )


def test_rows_of_a_pack_are_judged_together():
    model = built(WGAN(**{**SIZES, "pac": 4}))
    features = model.critic.features(model.rows.encode(mixed_rows(40)))
    values = model.critic(features)
    assert values.shape == (10,)
    torch.testing.assert_close(model.critic(features.view(10, -1)), values)
    value, _ = model.critic.value_and_hidden(model.rows.encode(mixed_rows(40)))
    torch.testing.assert_close(value, model.critic(features.repeat_interleave(4, 0)))


def test_weights_come_back_into_a_freshly_built_model(cgan):
    other = CGAN(**SIZES, ema_decay=0.99).build(mixed(n_conditions=1)).eval()
    other.load_state_dict(cgan.state_dict())
    assert torch.equal(other.generate(100, rng_of()).codes, cgan.generate(100, rng_of()).codes)
    torch.testing.assert_close(other.score(mixed_rows(50)).rows, cgan.score(mixed_rows(50)).rows)


def test_a_table_of_three_hundred_columns_trains():
    columns = tuple(
        ColumnLayout(f"c{i}", (0.0, *[0.1] * 10), True, numeric=NumericSlot(i // 2, range(1, 11), "within_bin"))
        if i % 2
        else ColumnLayout(f"c{i}", (0.0, 0.5, 0.3, 0.2))
        for i in range(300)
    )
    codes = torch.stack(
        [torch.randint(1, c.cardinality, (200,), generator=rng_of(i)) for i, c in enumerate(columns)], 1
    )
    numbers = torch.rand(200, 150, generator=rng_of())
    model = trained(built(WGAN(**SIZES), Layout(columns, 200)), Batch(numbers, codes), 3)
    rows = model.generate(20, rng_of())
    assert rows.codes.shape == (20, 300)
    assert ((rows.numeric >= 0) & (rows.numeric <= 1)).all()


def test_marginals_of_samples_are_those_of_the_table():
    model = built(WGAN(**SIZES)).eval()
    rows = mixed_rows(2000)
    start, _, end = model.stages()
    start.function(rows, rng_of())
    with torch.no_grad():
        bias = model.generator.network.out.bias
        bias += torch.randn(len(bias), generator=rng_of()) * 0.7
    with torch.no_grad():
        end.function(rows, rng_of())
    codes = model.generate(20_000, rng_of(1)).codes
    for i, column in enumerate(model.layout.columns):
        shares = [shares_of(c[:, i], column.cardinality) for c in (codes, rows.codes)]
        torch.testing.assert_close(*shares, atol=0.015, rtol=0)
