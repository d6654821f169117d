from __future__ import annotations

import pytest
import torch

from gensynth.nn.flows import InverseAutoregressiveFlow
from gensynth.nn.spectral import SpectralPenalty


def test_log_determinant_equals_autograd():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        flow = InverseAutoregressiveFlow(4, 3)
        for parameter in flow.parameters():
            parameter.data.add_(0.4 * torch.randn_like(parameter))
        z, context = torch.randn(4).double(), torch.randn(1, 3).double()
    flow = flow.double()
    jacobian = torch.autograd.functional.jacobian(lambda v: flow(v.unsqueeze(0), context)[0].squeeze(0), z)
    _, log_determinant = flow(z.unsqueeze(0), context)
    torch.testing.assert_close(log_determinant[0], torch.linalg.slogdet(jacobian).logabsdet)


def test_context_moves_the_flow():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        flow, z = InverseAutoregressiveFlow(3, 2), torch.randn(5, 3)
    first, _ = flow(z, torch.zeros(5, 2))
    second, _ = flow(z, torch.ones(5, 2))
    assert not torch.allclose(first, second)


def test_spectral_penalty_is_the_sum_of_the_largest_singular_values():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.ReLU(), torch.nn.Linear(4, 5))
        penalty = SpectralPenalty([network], 0.5).train()
    with torch.no_grad():
        for _ in range(200):
            value = penalty()
        expected = sum(torch.linalg.matrix_norm(layer.weight, 2) for layer in (network[0], network[2]))
    assert float(value) == pytest.approx(0.5 * float(expected), rel=1e-3)
    assert not list(penalty.parameters())  # the layers stay their owner's
