from __future__ import annotations

import torch
from toy_layouts import categories, mixed, mixed_rows

from gensynth.model import Batch, ColumnLayout, Layout
from gensynth.nn.buckets import Buckets
from gensynth.nn.soft import FlatRows, gumbel_softmax, harden

WITH_VALUE = Layout(
    (
        ColumnLayout("c", (0.0, 0.5, 0.5)),
        ColumnLayout("v", (0.0, 0.2, 0.8), True, missing=1, numeric=0, active=(2, 3), role="value"),
        ColumnLayout("p", (0.0, 0.5, 0.5), True, numeric=1, active=(1, 3), role="position"),
    ),
    1000,
)


def _rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_largest_soft_code_is_distributed_as_the_softmax_at_any_temperature():
    buckets = Buckets(categories(3, 5))
    logits = torch.randn(buckets.n_slots, generator=_rng(1))
    expected = buckets.softmax(logits)
    for temperature in (0.2, 1.0):
        soft = gumbel_softmax(buckets, logits.expand(40_000, -1), temperature, _rng())
        for bucket in buckets.buckets:
            largest = bucket.view(soft).argmax(-1)
            shares = torch.nn.functional.one_hot(largest, bucket.width).double().mean(0)
            torch.testing.assert_close(shares, bucket.view(expected).double(), atol=0.01, rtol=0)


def test_soft_codes_are_distributions_without_unknown_and_padding():
    buckets = Buckets(categories(2, 3, 7))
    soft = gumbel_softmax(buckets, torch.zeros(200, buckets.n_slots), 0.3, _rng())
    assert (soft >= 0).all()
    assert soft[:, buckets.never == -torch.inf].eq(0).all()
    for bucket in buckets.buckets:
        torch.testing.assert_close(bucket.view(soft).sum(-1), torch.ones(200, len(bucket.columns)))


def test_low_temperature_is_near_one_hot_and_passes_gradients():
    buckets = Buckets(categories(4))
    logits = torch.zeros(500, buckets.n_slots, requires_grad=True)
    sharp = gumbel_softmax(buckets, logits, 0.1, _rng())
    blunt = gumbel_softmax(buckets, logits, 2.0, _rng())
    assert sharp.amax(1).mean() > 0.9 > blunt.amax(1).mean()
    blunt[:, 1].sum().backward()
    assert logits.grad[:, 1].mean() > 0


def test_hard_codes_are_one_hot_with_the_gradient_of_the_soft_ones():
    buckets = Buckets(categories(2, 5))
    logits = torch.randn(30, buckets.n_slots, generator=_rng(2)).requires_grad_(True)
    weight = torch.randn(buckets.n_slots, generator=_rng(3))
    soft = gumbel_softmax(buckets, logits, 0.5, _rng())
    hard = harden(buckets, soft)
    for bucket in buckets.buckets:
        assert bucket.view(hard).detach().round(decimals=5).eq(1).sum(-1).eq(1).all()
        assert torch.equal(bucket.view(hard).argmax(-1), bucket.view(soft).argmax(-1))
    gradients = [torch.autograd.grad((x @ weight).sum(), logits, retain_graph=True)[0] for x in (hard, soft)]
    torch.testing.assert_close(*gradients)


def test_flat_rows_hold_one_slot_a_cell_and_the_values():
    rows = FlatRows(WITH_VALUE)
    batch = Batch(torch.tensor([[1.5, 0.25], [0.0, 0.75]]), torch.tensor([[1, 2, 1], [2, 1, 2]]))
    flat = rows.flatten(batch)
    assert flat.shape == (2, rows.width)
    assert flat[:, 0].tolist() == [1.5, 0.0]  # positions are no part of it
    assert flat[:, 1:].sum(1).tolist() == [3.0, 3.0]
    chosen = 1 + batch.codes + rows.buckets.offsets
    assert flat.gather(1, chosen).eq(1).all()


def test_a_written_value_is_there_only_where_the_code_says_so():
    rows = FlatRows(WITH_VALUE)
    outputs = torch.zeros(2, rows.width)
    outputs[:, 0] = 3.0
    first = rows.n_numbers + int(rows.buckets.offsets[1])
    outputs[0, first + 2], outputs[1, first + 1] = 1e3, 1e3  # surely a value, surely missing
    torch.testing.assert_close(rows.write(outputs, 0.3, _rng())[:, 0], torch.tensor([3.0, 0.0]))


def test_drawn_rows_have_numbers_where_their_codes_say_so():
    rows = FlatRows(WITH_VALUE)
    outputs = torch.zeros(5000, rows.width)
    outputs[:, 0] = 3.0
    drawn = rows.draw(outputs, _rng())
    missing = drawn.codes[:, 1] == 1
    assert 0.4 < missing.double().mean() < 0.6
    assert drawn.numeric[missing, 0].eq(0).all()
    assert drawn.numeric[~missing, 0].eq(3).all()
    assert abs(drawn.numeric[:, 1].mean() - 0.5) < 0.02
    assert ((drawn.numeric[:, 1] >= 0) & (drawn.numeric[:, 1] < 1)).all()
    assert drawn.codes.gt(0).all()


def test_a_layout_of_positions_only_has_no_numbers():
    rows = FlatRows(mixed())
    batch = mixed_rows(10)
    assert rows.n_numbers == 0
    assert rows.numbers(batch).shape == (10, 0)
    assert rows.flatten(batch).shape == (10, rows.n_slots)
