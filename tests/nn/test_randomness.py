"""Every draw comes from the generator that is held, in each thread from its own."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from gensynth.nn.layers import dropout
from gensynth.nn.randomness import EveryDrawFrom, drawing_from, seeded

DRAWS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "rand": lambda x: torch.rand(3),
    "randn": lambda x: torch.randn(3),
    "randint": lambda x: torch.randint(9, (9,)).float(),
    "randint low": lambda x: torch.randint(2, 9, (9,)).float(),
    "randperm": lambda x: torch.randperm(30).float(),
    "rand_like": torch.rand_like,
    "randn_like": torch.randn_like,
    "randint_like": lambda x: torch.randint_like(x, 1000),
    "normal": lambda x: torch.normal(x, 1.0),
    "bernoulli": lambda x: torch.bernoulli(torch.full((99,), 0.5)),
    "multinomial": lambda x: torch.multinomial(torch.ones(50), 9).float(),
    "poisson": lambda x: torch.poisson(torch.full((30,), 50.0)),
    "uniform_": lambda x: x.clone().uniform_(),
    "exponential_": lambda x: x.clone().exponential_(),
    "dropout": lambda x: torch.nn.functional.dropout(x.expand(99, -1), 0.5),
    "dropout layer": lambda x: torch.nn.Dropout(0.5)(x.expand(99, -1)),
    "alpha dropout": lambda x: torch.nn.AlphaDropout(0.5)(x.expand(99, -1)),
    "own dropout": lambda x: dropout(x.expand(99, -1).clone(), 0.5, training=True),
    "linear": lambda x: torch.nn.Linear(4, 4).weight.detach(),
    "embedding": lambda x: torch.nn.Embedding(4, 4).weight.detach(),
    "lstm": lambda x: torch.nn.LSTM(4, 4, 2, dropout=0.5)(x.view(1, 1, 4))[0].detach(),
    "gamma": lambda x: torch.distributions.Gamma(torch.ones(9), 1.0).sample(),
    "gumbel": lambda x: torch.nn.functional.gumbel_softmax(x),
}


@pytest.mark.parametrize("name", DRAWS)
def test_every_draw_comes_from_the_generator_that_is_held(name):
    work, x = DRAWS[name], torch.arange(1.0, 5.0)
    before = torch.get_rng_state()
    found = []
    for seed in (0, 0, 1):
        with seeded(seed) as draws:
            found.append(work(x))
        assert draws.found or name == "own dropout"
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_gradients_pass_through_draws():
    x = torch.ones(1000, requires_grad=True)
    with seeded(0):
        y = torch.nn.functional.dropout(x, 0.25)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient, y.detach())
    assert float((y == 0).float().mean()) == pytest.approx(0.25, abs=0.05)


def test_what_names_a_generator_keeps_it():
    own = torch.Generator().manual_seed(5)
    with EveryDrawFrom(torch.Generator().manual_seed(0)) as draws:
        found = torch.rand(3, generator=own)
    assert not draws.found
    assert torch.equal(found, torch.rand(3, generator=torch.Generator().manual_seed(5)))


def test_threads_hold_generators_of_their_own():
    meet = threading.Barrier(2)

    def work(seed):
        with seeded(seed):
            meet.wait()
            one = torch.rand(100)
            meet.wait()
            with drawing_from(torch.Generator().manual_seed(seed)):
                return one, dropout(torch.ones(100), 0.5, training=True)

    with ThreadPoolExecutor(2) as pool:
        (a, b), (c, d) = pool.map(work, [1, 2])
    assert torch.equal(a, torch.rand(100, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(c, torch.rand(100, generator=torch.Generator().manual_seed(2)))
    assert not torch.equal(b, d)


def test_nothing_imports_the_compiler():
    code = "import sys, torch\nfrom gensynth.nn.randomness import seeded\nwith seeded(0):\n    torch.rand(3)\n"
    code += "sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
