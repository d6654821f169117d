from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from environments import ROOT
from torch import Tensor, nn

from gensynth.model import Optimizer
from gensynth.training.optimizer import FusedAdamW

SUPPORT = ROOT / "tests" / "support"
CHECK = """
import sys
import torch
from gensynth.training import Trainer
from toy_models import ToyModel, toy_batch, toy_layout

Trainer(max_epochs=2, device="cpu").run(ToyModel(toy_layout()), toy_batch(), 0)
print("torch._dynamo" in sys.modules)
torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))])
print("torch._dynamo" in sys.modules)  # so that this test would notice
"""


def test_steps_are_those_of_torch():
    torch.manual_seed(0)
    own, other = (torch.nn.Linear(3, 2) for _ in range(2))
    other.load_state_dict(own.state_dict())
    reference = torch.optim.AdamW(other.parameters(), lr=0.1, betas=(0.5, 0.9), weight_decay=0.2)
    optimizer = FusedAdamW(list(own.parameters()), Optimizer(0.1, (0.5, 0.9), 0.2))
    for _ in range(5):
        x = torch.randn(7, 3)
        other(x).square().sum().backward()
        reference.step()
        reference.zero_grad()
        optimizer.step(torch.autograd.grad(own(x).square().sum(), list(own.parameters())))
    for a, b in zip(own.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_parameter_without_gradient_stays():
    parameters = [torch.nn.Parameter(torch.ones(2)) for _ in range(2)]
    FusedAdamW(parameters, Optimizer(0.1, weight_decay=0.5)).step([None, torch.ones(2)])
    assert torch.equal(parameters[0], torch.ones(2))
    assert (parameters[1] < 1).all()


def test_training_does_not_import_the_compiler():
    done = subprocess.run([sys.executable, "-c", CHECK], cwd=SUPPORT, timeout=300, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["False", "True"]), done.stderr


@pytest.mark.parametrize(
    ("parameter", "gradient"),
    [
        (torch.zeros(4, 3, 3, 3).to(memory_format=torch.channels_last), torch.randn(4, 3, 3, 3)),
        (torch.zeros(4, 3, 3, 3), torch.randn(4, 3, 3, 3).to(memory_format=torch.channels_last)),
        (torch.zeros(6, 8), torch.randn(8, 6).t()),
        (torch.zeros(6, 8), torch.randn(1, 8).expand(6, 8)),
    ],
)
def test_entries_in_another_order_in_memory_take_the_same_step(parameter: Tensor, gradient: Tensor) -> None:
    ways = []
    for own, given in ((parameter, gradient), (parameter.contiguous(), gradient.contiguous())):
        trained = nn.Parameter(own.clone(memory_format=torch.preserve_format))
        optimizer = FusedAdamW([trained], Optimizer(1e-2))
        for _ in range(3):
            optimizer.step([given])
        ways.append(trained.detach())
    torch.testing.assert_close(*ways)
