from __future__ import annotations

import pytest
import torch

from gensynth.errors import OptionError
from gensynth.training.devices import derive_seed, pick_device


def test_auto_takes_what_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert pick_device("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto") == torch.device("cuda")


@pytest.mark.parametrize(
    ("device", "why"), [("abacus", "not a device"), ("meta", "not supported"), ("cuda:99", "not on this machine")]
)
def test_a_device_that_is_not_there_is_named(device, why):
    with pytest.raises(OptionError, match=f"device='{device}' is {why}"):
        pick_device(device)


def test_seeds_differ_by_seed_and_by_purpose():
    seeds = [derive_seed(seed, purpose) for seed in range(10) for purpose in range(10)]
    assert len(set(seeds)) == 100
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derive_seed(3, 4) == seeds[34]
