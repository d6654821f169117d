"""Seeds hold in threads and processes; global random states are neither read nor changed; a fit is the same bytes."""

from __future__ import annotations

import random
import subprocess
import sys
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

pytestmark = pytest.mark.slow

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
