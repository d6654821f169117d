"""Seeds hold in threads and processes; global random states are neither read nor changed; a fit is the same bytes."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from toy_detectors import make_rows
from toy_models import Toy

from gensynth import AnomalyDetector, Synthesizer, Trainer
from gensynth.nn.layers import dropout
from gensynth.nn.randomness import EveryDrawFrom, drawing_from, seeded

ROWS = make_rows(80)
FAMILIES = ("vlae", "vae", "vq-vae", "nvae", "wgan", Toy(dropout=0.5))


def fit(family, seed=0, kind=Synthesizer):
    trainer = Trainer(max_epochs=2, progress=False, device="cpu")
    return kind(family, trainer=trainer, random_state=seed).fit(ROWS)


def weights(synthesizer):
    return {name: value.clone() for name, value in synthesizer.model_.state_dict().items()}


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


def global_states():
    return torch.get_rng_state().clone(), repr(np.random.get_state()), random.getstate()  # noqa: NPY002


def equal_states(one, other):
    return torch.equal(one[0], other[0]) and one[1:] == other[1:]


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_fits_with_one_seed_are_alike_in_threads(family):
    alone = weights(fit(family))
    before = global_states()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda seed: weights(fit(family, seed)), [0, 1, 0, 1]))
    assert equal_states(before, global_states())
    assert same(alone, found[0])
    assert same(alone, found[2])
    assert same(found[1], found[3])
    assert not same(alone, found[1])


@pytest.mark.parametrize("kind", [Synthesizer, AnomalyDetector])
@pytest.mark.parametrize("family", ["vlae", "cgan"])
def test_global_random_states_are_neither_read_nor_changed(family, kind):
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        before = global_states()
        model = fit(family, kind=kind)
        results.append(model.score_samples(ROWS))
        if kind is Synthesizer:
            model.sample(70)
        else:
            model.reasons(ROWS.head())
        assert equal_states(before, global_states())
    assert (results[0] == results[1]).all()


@pytest.mark.parametrize("family", ["vlae", "wgan"])
def test_threads_share_a_fitted_synthesizer(family):
    synthesizer = fit(family)
    scores, sample = fit(family).score_samples(ROWS), synthesizer.sample(100, random_state=3)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: synthesizer.score_samples(ROWS), range(8)):
            assert (found == scores).all()
        for found in pool.map(lambda _: synthesizer.sample(100, random_state=3), range(8)):
            pd.testing.assert_frame_equal(found, sample)
    one = fit(family).sample(5)
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda _: synthesizer.sample(5), range(12)))
    assert len({found.to_csv() for found in drawn}) == 12, "two threads drew the same sample"
    assert one.to_csv() in {found.to_csv() for found in drawn}


def score_with(detector, rows):
    return detector.score_samples(rows)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_joblib(backend):
    detector = fit("vae", kind=AnomalyDetector)
    parts = [ROWS.iloc[i : i + 20] for i in range(0, 80, 20)]
    found = joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(score_with)(detector, part) for part in parts)
    assert (np.concatenate(found) == detector.score_samples(ROWS)).all()


def test_threads_leave_the_filters_of_warnings_alone():
    with warnings.catch_warnings():
        before = list(warnings.filters)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda seed: fit("vae", seed, AnomalyDetector), range(4)))
        assert warnings.filters == before


SCRIPT = """
import sys, threading
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from toy_detectors import make_rows
from gensynth import Synthesizer, Trainer
synthesizer = Synthesizer("vlae", trainer=Trainer(max_epochs=2, progress=False, device="cpu"), random_state=0)
synthesizer.fit(make_rows(80)).save(sys.argv[1])
Path(sys.argv[1] + ".csv").write_text(synthesizer.sample(50).to_csv())
"""


def test_a_fit_is_the_same_bytes_in_every_process(tmp_path):
    paths = [tmp_path / f"{name}.gensynth" for name in "abc"]
    commands = [[sys.executable, "-c", SCRIPT, str(path), *sys.path] for path in paths[:2]]
    for process in [subprocess.Popen(command) for command in commands]:
        assert process.wait() == 0
    synthesizer = fit("vlae")
    synthesizer.save(paths[2])
    contents = [path.read_bytes() for path in paths]
    assert contents[0] == contents[1] == contents[2]
    samples = [(tmp_path / f"{name}.gensynth.csv").read_text() for name in "ab"]
    assert samples[0] == samples[1] == synthesizer.sample(50).to_csv()


def test_processes_that_write_one_file_leave_a_whole_one(tmp_path):
    path = tmp_path / "one.gensynth"
    command = [sys.executable, "-c", SCRIPT, str(path), *sys.path]
    for process in [subprocess.Popen(command) for _ in range(2)]:
        assert process.wait() == 0
    fit("vlae").save(tmp_path / "own.gensynth")
    assert path.read_bytes() == (tmp_path / "own.gensynth").read_bytes()
    assert {p.name for p in tmp_path.iterdir()} == {"one.gensynth", "one.gensynth.csv", "own.gensynth"}


DRAWS = {
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
