from __future__ import annotations

import pytest
import torch

from gensynth.nn.layers import bounded, dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_share_and_mean(p):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        out = dropout(torch.ones(999, 101), p, training=True)
    assert float((out == 0).double().mean()) == pytest.approx(p, abs=0.005)
    assert float(out.mean()) == pytest.approx(1.0, abs=0.02)
    kept = out[out != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - p)))
    assert float((out == 0).double().mean(0).std()) < 0.03  # no entry is favoured by its place in the draw


def test_neighbours_are_independent():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        dropped = dropout(torch.ones(200_000), 0.3, training=True) == 0
    for lag in (1, 2, 3, 4):
        assert float((dropped[lag:] & dropped[:-lag]).double().mean()) == pytest.approx(0.09, abs=0.005)


def test_identity_outside_training():
    h = torch.randn(5, 3)
    assert dropout(h, 0.5, training=False) is h
    assert dropout(h, 0.0, training=True) is h


def test_the_gradient_meets_the_same_mask():
    h = torch.ones(1000, requires_grad=True)
    out = dropout(h, 0.4, training=True)
    out.sum().backward()
    torch.testing.assert_close(h.grad, out.detach())


def test_a_bound_is_never_passed_and_bends_nothing_near_0():
    x = torch.tensor([-1e6, -3.0, 1e-3, 3.0, 1e6])
    out = bounded(x, 4.0)
    assert out.abs().max() <= 4.0
    assert (out.diff() > 0).all()
    assert float(out[2]) == pytest.approx(1e-3)
