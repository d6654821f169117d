from __future__ import annotations

import pytest
import torch

from gensynth.nn.trimming import kept_rows, trimmed_mean


def test_the_mean_is_over_rows_and_members_and_a_scalar_stays():
    losses = torch.tensor([[1.0, 2.0], [5.0, 8.0]])
    assert trimmed_mean(losses) == 4.0
    assert trimmed_mean(losses[0]) == 1.5
    assert trimmed_mean(torch.tensor(7.0), 0.5) == 7.0


def test_the_worst_rows_are_left_out_and_have_no_gradient():
    losses = torch.tensor([3.0, 100.0, 1.0, 2.0, 4.0], requires_grad=True)
    mean = trimmed_mean(losses, 0.2)
    assert mean == 2.5
    (gradient,) = torch.autograd.grad(mean, losses)
    assert gradient.tolist() == [0.25, 0.0, 0.25, 0.25, 0.25]


def test_each_member_leaves_out_its_own_rows():
    losses = torch.tensor([[1.0, 2.0, 50.0, 3.0], [90.0, 4.0, 5.0, 6.0]])
    assert trimmed_mean(losses, 0.25) == 3.5
    assert kept_rows(losses, 0.25).tolist() == [[0, 1, 3], [1, 2, 3]]


@pytest.mark.parametrize(("n", "trim", "kept"), [(10, 0.25, 8), (1, 0.9, 1), (3, 0.99, 1), (5, 0.0, 5)])
def test_as_many_rows_are_kept_as_asked_for_and_at_least_one(n, trim, kept):
    assert len(kept_rows(torch.arange(n).float(), trim)) == kept
