from __future__ import annotations

import pytest
import torch

from gensynth.nn.tabular.causal_network import CausalNetwork

ROWS, WIDTH = 9, 6


def _network(k, n_groups, dropout):
    torch.manual_seed(0)
    network = CausalNetwork(k, n_groups, 3, WIDTH, 4, dropout).double()
    for parameter in network.parameters():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    return network


def _inputs(k):
    torch.manual_seed(1)
    cells = torch.randn(k, ROWS, 3, dtype=torch.float64, requires_grad=True)
    return cells, torch.randn(ROWS, WIDTH, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize(("k", "n_groups"), [(5, 5), (7, 3), (4, 1), (1, 1)])
def test_training_without_dropout_is_what_is_computed_outside_training(k, n_groups):
    network, inputs = _network(k, n_groups, 0.0), _inputs(k)
    plain, trained = network.eval()(*inputs), network.train()(*inputs)
    torch.testing.assert_close(trained, plain)
    weight = torch.linspace(-1.0, 1.0, plain.numel(), dtype=torch.float64).view_as(plain)
    of = [*inputs, *network.parameters()]
    wanted = torch.autograd.grad((plain * weight).sum(), of)
    got = torch.autograd.grad((trained * weight).sum(), of)
    for one, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(("k", "n_groups"), [(4, 4), (5, 2)])
def test_gradient_is_that_of_the_function_that_drops(k, n_groups):
    network, (cells, context) = _network(k, n_groups, 0.4).train(), _inputs(k)

    names = [name for name, _ in network.named_parameters()]

    def function(cells, context, *parameters):
        torch.manual_seed(2)  # the same entries in every call
        return torch.func.functional_call(network, dict(zip(names, parameters, strict=True)), (cells, context))

    assert torch.autograd.gradcheck(function, (cells, context, *network.parameters()))
