from __future__ import annotations

import pytest
import torch

from gensynth.training.average import WeightAverage


def test_average_follows_slowly_and_stands_in_for_the_block_only():
    parameter = torch.nn.Parameter(torch.zeros(2))
    average = WeightAverage([parameter, parameter], 0.9)
    for step in range(1, 200):
        parameter.data += 1.0
        average.update(step)
    with average.in_place():
        lag = 199.0 - parameter.tolist()[0]
    assert lag == pytest.approx(9.0, rel=0.01)  # decay / (1 - decay) steps behind
    assert parameter.tolist() == [199.0, 199.0]


def test_average_comes_back_after_an_error():
    parameter = torch.nn.Parameter(torch.ones(1))
    average = WeightAverage([parameter], 0.9)
    parameter.data += 5.0
    with pytest.raises(KeyboardInterrupt), average.in_place():  # noqa: PT012
        assert parameter.tolist() == [1.0]
        raise KeyboardInterrupt
    assert parameter.tolist() == [6.0]


def test_no_decay_no_average():
    parameter = torch.nn.Parameter(torch.ones(1))
    average = WeightAverage([parameter], 0.0)
    parameter.data += 5.0
    average.update(1)
    with average.in_place():
        assert parameter.tolist() == [6.0]
    assert average.values == []
