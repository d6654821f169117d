"""Scalings of numbers: what is linear, what goes by ranks, and the way back."""

import torch

from gensynth.layout import ColumnLayout, Layout, NumericSlot
from gensynth.model import Batch
from gensynth.nn.tabular.feature_scaling import CLIP, FeatureScaling, ScalingKind

KINDS: tuple[ScalingKind, ...] = ("standard", "robust", "adaptive")


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
    standard, _, adaptive = scaling(rows).numbers
    torch.testing.assert_close(adaptive[:, 1], standard[:, 1])
    ordered = adaptive[:, 1].sort().values
    assert ordered.diff().max() > 1.5  # ranks would leave a gap of .01


def test_heavy_tails_go_by_ranks():
    scaling, rows = _scaling(*_columns())
    standard, _, adaptive = scaling(rows).numbers
    assert standard[:, 2].max() > CLIP
    levels = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95], dtype=torch.float64)
    torch.testing.assert_close(adaptive[:, 2].quantile(levels), torch.special.ndtri(levels), atol=0.03, rtol=0)


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
        torch.testing.assert_close(back, rows.numeric[:, j].expand(3, -1), rtol=1e-6, atol=1e-6)


def test_a_constant_column_is_in_the_middle():
    scaling, _ = _scaling(torch.full((50,), 7.0, dtype=torch.float64))
    rows = Batch(torch.tensor([[7.0], [9.0]], dtype=torch.float64), torch.ones(2, 1, dtype=torch.long))
    numbers = scaling(rows).numbers[..., 0]
    assert (numbers[:, 0] == 0.0).all()
    assert (numbers[:, 1] > 1.0).all()
