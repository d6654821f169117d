from __future__ import annotations

import torch

from gensynth.nn.made import BlockMADE


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
        torch.testing.assert_close(network.one(b, x[:, : 2 * b]), together[b])


def test_a_block_depends_on_those_before_it_only():
    network, x = _network(), torch.randn(6, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda x: network(x.unsqueeze(0))[:, 0], x)  # (block, out, input)
    for b in range(3):
        assert (jacobian[b, :, 2 * b :] == 0).all()
        assert (jacobian[b, :, : 2 * b] != 0).any() or b == 0
