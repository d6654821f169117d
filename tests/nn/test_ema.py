from __future__ import annotations

import pytest
import torch

from gensynth.nn.ema import STRIDE, WeightEMA


def test_average_follows_slowly_and_stands_in_for_the_block_only():
    parameter = torch.nn.Parameter(torch.zeros(2))
    average = WeightEMA([parameter, parameter], 0.9)
    lags = []
    for step in range(1, 201):
        parameter.data += 1.0
        average.update(step)
        with average.in_place():
            lags.append(step - parameter.tolist()[0])
    # decay / (1 - decay) steps behind, as if every step were looked at
    assert sum(lags[-STRIDE:]) / STRIDE == pytest.approx(9.0, rel=0.02)
    assert parameter.tolist() == [200.0, 200.0]


def test_average_of_a_few_steps_is_not_the_random_start():
    parameter = torch.nn.Parameter(torch.zeros(1))
    average = WeightEMA([parameter], 0.99)
    parameter.data += 1.0
    average.update(1)
    with average.in_place():
        assert parameter.tolist()[0] == pytest.approx(9 / 11)  # 1 - decay, which is (1 + 1) / (10 + 1)


def test_average_comes_back_after_an_error():
    parameter = torch.nn.Parameter(torch.ones(1))
    average = WeightEMA([parameter], 0.9)
    parameter.data += 5.0
    with pytest.raises(KeyboardInterrupt), average.in_place():  # noqa: PT012
        assert parameter.tolist() == [1.0]
        raise KeyboardInterrupt
    assert parameter.tolist() == [6.0]


def test_no_decay_no_average():
    parameter = torch.nn.Parameter(torch.ones(1))
    average = WeightEMA([parameter], 0.0)
    parameter.data += 5.0
    average.update(1)
    with average.in_place():
        assert parameter.tolist() == [6.0]
    assert average.values == []
