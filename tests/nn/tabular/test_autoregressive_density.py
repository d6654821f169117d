"""The density sums to one, sees what columns do together, and says what was expected in a cell."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from gensynth.errors import CapabilityError
from gensynth.layout import ColumnLayout, Layout, NumericSlot
from gensynth.model import Batch
from gensynth.nn.tabular.autoregressive_density import AutoregressiveDensity
from gensynth.testing import RecipeContract
from gensynth.training import Trainer


def layout(n_rows: int = 800) -> Layout:
    """A category of two, and two numbers."""
    numbers = [ColumnLayout(f"x{i}", (0.0, 1.0), numeric=NumericSlot(i, range(1, 2), "continuous")) for i in range(2)]
    return Layout((ColumnLayout("kind", (0.0, 0.5, 0.5)), *numbers), n_rows)


def rows(n: int, seed: int = 0) -> Batch:
    """The first number is near -1 or 1 by the kind, the second near minus the first."""
    rng = torch.Generator().manual_seed(seed)
    kind = torch.randint(1, 3, (n,), generator=rng)
    first = (2.0 * kind - 3.0) + 0.1 * torch.randn(n, generator=rng)
    second = -first + 0.1 * torch.randn(n, generator=rng)
    ones = torch.ones_like(kind)
    return Batch(torch.stack([first, second], 1), torch.stack([kind, ones, ones], 1))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    built = AutoregressiveDensity(max_steps=300).build(layout())
    Trainer(batch_size=128, progress=False).run(built, rows(800), 0)
    return built.double().eval()


def test_the_density_sums_to_one_over_kinds_and_numbers(model):
    scale = model.scaling.scale[0]
    grid = torch.linspace(-4.5, 4.5, 91, dtype=torch.float64)
    points = torch.cartesian_prod(grid, grid) * scale + model.scaling.center[0]
    total = 0.0
    for kind in (1, 2):
        codes = torch.tensor([kind, 1, 1]).expand(len(points), -1)
        total += float(model.score(Batch(points, codes)).rows[0].exp().sum()) * float(grid[1] - grid[0]) ** 2
    assert total == pytest.approx(1.0, abs=0.02)


def test_numbers_that_do_not_go_together_or_with_the_kind_are_improbable(model):
    usual = Batch(torch.tensor([[1.0, -1.0]]).double(), torch.tensor([[2, 1, 1]]))
    swapped = Batch(torch.tensor([[1.0, 1.0]]).double(), torch.tensor([[2, 1, 1]]))
    other_kind = Batch(torch.tensor([[1.0, -1.0]]).double(), torch.tensor([[1, 1, 1]]))
    scores = [float(model.score(b).rows.mean()) for b in (usual, swapped, other_kind)]
    assert scores[0] > max(scores[1:]) + 3


def test_columns_sum_to_minus_the_score(model):
    batch = rows(20, seed=1)
    score = model.score(Batch(batch.numeric.double(), batch.codes), attribute=True)
    torch.testing.assert_close(score.columns.sum(-1), -score.rows)


def test_gains_are_large_with_structure_and_none_without(model):
    rng = torch.Generator().manual_seed(0)
    held = rows(200, seed=2)
    held = Batch(held.numeric.double(), held.codes)
    assert (model.gains(held).mean(1) > 0.3).all()
    plain = Batch(torch.randn(800, 2, generator=rng), rows(800).codes)
    built = AutoregressiveDensity(max_steps=300).build(layout())
    Trainer(batch_size=128, progress=False).run(built, plain, 0)
    fresh = Batch(torch.randn(400, 2, generator=rng), rows(400, seed=3).codes)
    plain_model: Any = built.eval()
    assert (plain_model.gains(fresh).mean(1).abs() < 0.15).all()


def test_what_was_expected_follows_the_other_cells(model):
    batch = Batch(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).double(), torch.tensor([[2, 1, 1], [1, 1, 1]]))
    low, high = model.conditional_interval(batch, 2)
    assert low[0] < -1 < high[0] < 0 < low[1] < 1 < high[1]
    assert [ends.tolist() for ends in model.conditional_interval(batch, 0)] == [[2, 1], [2, 1]]


def test_it_draws_no_rows(model):
    with pytest.raises(CapabilityError, match="scores rows"):
        model.generate(3, torch.Generator())


class TestContract(RecipeContract):
    """It is a recipe as any other is, but for not being registered."""

    @pytest.fixture
    def recipe(self):
        return AutoregressiveDensity(max_steps=50)
