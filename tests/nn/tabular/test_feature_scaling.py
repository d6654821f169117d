"""Scalings of numbers: what is linear, what goes by ranks, and the way back."""

import torch

from gensynth.layout import ColumnLayout, Layout, NumericSlot
from gensynth.model import Batch
from gensynth.nn.tabular.feature_scaling import CLIP, FeatureScaling, ScalingKind, densest_interval

KINDS: tuple[ScalingKind, ...] = ("standard", "robust", "adaptive", "asinh")


def _scaling(*columns):
    names = (
        ColumnLayout(f"x{i}", (0.0, 1.0), numeric=NumericSlot(i, range(1, 2), "continuous"))
        for i in range(len(columns))
    )
    rows = Batch(torch.stack(columns, 1), torch.ones(len(columns[0]), len(columns), dtype=torch.long))
    scaling = FeatureScaling(Layout(tuple(names), len(columns[0])), KINDS).double()
    scaling.fit(rows, torch.Generator())
    return scaling, rows


def _columns(n=2000):
    rng = torch.Generator().manual_seed(0)
    normal = torch.randn(n, generator=rng, dtype=torch.float64)
    clusters = 0.3 * normal.flip(0) + torch.where(torch.rand(n, generator=rng) < 0.5, 0.0, 8.0)
    return normal, clusters, torch.exp(2.0 * torch.randn(n, generator=rng, dtype=torch.float64))


def test_light_tails_are_linear_and_keep_their_gaps():
    scaling, rows = _scaling(*_columns())
    standard, _, adaptive, asinh = scaling(rows).numbers
    torch.testing.assert_close(adaptive[:, 1], standard[:, 1])
    torch.testing.assert_close(asinh[:, 1], standard[:, 1])
    ordered = adaptive[:, 1].sort().values
    assert ordered.diff().max() > 1.5  # ranks would leave a gap of .01


def test_heavy_tails_go_by_ranks():
    scaling, rows = _scaling(*_columns())
    standard, _, adaptive, _ = scaling(rows).numbers
    assert standard[:, 2].max() > CLIP
    levels = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95], dtype=torch.float64)
    torch.testing.assert_close(adaptive[:, 2].quantile(levels), torch.special.ndtri(levels), atol=0.03, rtol=0)


def test_heavy_tails_keep_their_gaps_under_the_inverse_hyperbolic_sine():
    normal, _, amounts = _columns()
    far = 0.3 * normal + torch.where(torch.arange(len(normal)) % 20 == 0, -8.0, 0.0)  # a small cluster: heavy tails
    scaling, rows = _scaling(far, amounts)
    _, _, adaptive, asinh = scaling(rows).numbers
    assert adaptive[:, 0].sort().values.diff().max() < 0.5
    assert asinh[:, 0].sort().values.diff().max() > 1.5
    middle = asinh[:, 1].quantile(torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)).diff()
    assert middle[1] < 4.0 * middle[0]  # 13 times as far apart in the column itself


def test_the_densest_interval_is_of_distinct_values():
    values = torch.cat([torch.zeros(500), torch.linspace(1, 2, 101), torch.linspace(5, 5.1, 100)]).double()
    middle, width = densest_interval(values.unique())
    assert 5.0 < middle < 5.1
    assert 0.03 < width < 0.05
    assert densest_interval(torch.tensor([3.0])) == (3.0, 0.0)


def test_far_values_keep_their_order_in_every_scaling():
    scaling, _ = _scaling(*_columns())
    far = torch.tensor([[-1e9], [-1e3], [0.0], [1e3], [1e6], [1e9]], dtype=torch.float64).expand(-1, 3)
    numbers = scaling(Batch(far.contiguous(), torch.ones(6, 3, dtype=torch.long))).numbers
    assert (numbers.diff(dim=1) > 0).all()
    assert numbers.abs().max() < 40.0


def test_the_way_back():
    scaling, rows = _scaling(*_columns())
    numbers = scaling(rows).numbers
    for j in range(3):
        back = scaling.encoded(j, numbers[..., j])
        torch.testing.assert_close(back, rows.numeric[:, j].expand(len(KINDS), -1), rtol=1e-6, atol=1e-6)


def test_a_constant_column_is_in_the_middle():
    scaling, _ = _scaling(torch.full((50,), 7.0, dtype=torch.float64))
    rows = Batch(torch.tensor([[7.0], [9.0]], dtype=torch.float64), torch.ones(2, 1, dtype=torch.long))
    numbers = scaling(rows).numbers[..., 0]
    assert (numbers[:, 0] == 0.0).all()
    assert (numbers[:, 1] > 1.0).all()
