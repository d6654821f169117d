from __future__ import annotations

import torch
from torch import nn

from gensynth.nn.averaging import MovingAverage


def _set(module, value):
    with torch.no_grad():
        module.weight.fill_(value)


def test_average_follows_the_recurrence_with_its_warm_up():
    module = nn.Linear(1, 1, bias=False)
    _set(module, 0.0)
    average = MovingAverage(module, 0.5)
    expected = 0.0
    for t, value in enumerate([1.0, 2.0, -1.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0], start=1):
        _set(module, value)
        average.update(module)
        decay = min(0.5, (1 + t) / (10 + t))
        expected = decay * expected + (1 - decay) * value
        torch.testing.assert_close(average.module.weight, torch.full((1, 1), expected))
    assert decay == 0.5  # the warm-up has ended


def test_decay_zero_is_the_module_itself_and_nothing_is_shared():
    module = nn.Linear(2, 2)
    average = MovingAverage(module, 0.0)
    _set(module, 5.0)
    assert not torch.equal(average.module.weight, module.weight)
    average.update(module)
    torch.testing.assert_close(average.module.weight, module.weight)
    assert not any(p.requires_grad for p in average.parameters())


def test_number_of_updates_is_kept_with_the_weights():
    module = nn.Linear(1, 1)
    first = MovingAverage(module, 0.9)
    for _ in range(5):
        first.update(module)
    second = MovingAverage(module, 0.9)
    second.load_state_dict(first.state_dict())
    assert int(second.updates) == 5


def test_a_restart_follows_slowly_from_the_weights_given():
    module = nn.Linear(1, 1, bias=False)
    average = MovingAverage(module, 0.9)
    _set(module, 3.0)
    average.restart(module)
    _set(module, 4.0)
    average.update(module)
    torch.testing.assert_close(average.module.weight, torch.full((1, 1), 3.1))
