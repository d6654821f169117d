from __future__ import annotations

import torch

from gensynth.nn.made import BlockMADE, EnsembleMADE, MaskedLinear, autoregressive_mask


def _network() -> BlockMADE:
    torch.manual_seed(0)
    network = BlockMADE(3, 2, 8, 5).double()
    torch.nn.init.normal_(network.outer)
    return network


def test_a_block_alone_is_a_block_among_the_others():
    network, x = _network(), torch.randn(7, 6, dtype=torch.float64)
    together = network(x)
    assert together.shape == (3, 7, 5)
    for b in range(3):
        torch.testing.assert_close(network.one(b, x[:, : 2 * b], network.told(None)), together[b])


def test_a_block_alone_sees_the_context_that_all_see():
    torch.manual_seed(0)
    network = BlockMADE(3, 2, 8, 5, context=4).double()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    x, context = torch.randn(7, 6, dtype=torch.float64), torch.randn(7, 4, dtype=torch.float64)
    together = network(x, context)
    assert (together - network(x, context.roll(1, 0))).abs().amin((1, 2)).max() > 0.0
    for b in range(3):
        torch.testing.assert_close(network.one(b, x[:, : 2 * b], network.told(context)), together[b])


def test_a_block_depends_on_those_before_it_only():
    network, x = _network(), torch.randn(6, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda x: network(x.unsqueeze(0))[:, 0], x)  # (block, out, input)
    for b in range(3):
        assert (jacobian[b, :, 2 * b :] == 0).all()
        assert (jacobian[b, :, : 2 * b] != 0).any() or b == 0


def test_an_output_sees_the_positions_before_its_own_and_its_own_where_not_strict():
    inputs, outputs = torch.tensor([[0, 2, 1], [1, 0, 2]]), torch.tensor([1, 0])
    assert autoregressive_mask(inputs, outputs, strict=True).tolist() == [
        [[1, 0], [0, 0], [0, 0]],
        [[0, 0], [1, 0], [0, 0]],
    ]
    assert autoregressive_mask(inputs[0], outputs).tolist() == [[1, 1], [0, 0], [1, 0]]


def test_a_masked_layer_is_cut_where_the_mask_is_0():
    layer = MaskedLinear(torch.tensor([0, 1]), torch.tensor([0, 1, 2]), strict=True)
    jacobian = torch.autograd.functional.jacobian(layer, torch.randn(2))  # (out, in)
    assert torch.equal(jacobian != 0, torch.tensor([[False, False], [True, False], [True, True]]))
    assert set(layer.state_dict()) == {"weight", "bias"}


def test_each_member_has_an_order_of_its_own_and_sees_no_other_member():
    orders = torch.stack([torch.randperm(5, generator=torch.Generator().manual_seed(i)) for i in range(4)])
    network = EnsembleMADE(orders, orders, 16, 0)
    x = torch.randn(4, 1, 5, requires_grad=True)
    for member in range(4):
        for column in range(5):
            (gradient,) = torch.autograd.grad(network(x)[member, 0, column], x)
            seen = gradient[member, 0] != 0
            assert not seen[orders[member] >= orders[member, column]].any()
            assert not gradient[[m for m in range(4) if m != member]].any()


def test_a_context_reaches_every_output():
    place = torch.arange(3).expand(2, -1)
    network, context = EnsembleMADE(place, place, 16, 4), torch.randn(2, 1, 4, requires_grad=True)
    for column in range(3):
        (gradient,) = torch.autograd.grad(network(torch.randn(2, 1, 3), context)[..., column].sum(), context)
        assert (gradient != 0).all()
