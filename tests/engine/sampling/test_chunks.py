"""Any part of a sample is what it is in the whole, in whatever order parts are drawn."""

from __future__ import annotations

import copyreg
import pickle

import numpy as np
import pandas as pd
import pytest
from toy_models import Toy

from gensynth import Synthesizer, Trainer
from gensynth.engine import fitted_model as fitted_module
from gensynth.engine.sampling.chunks import drawn_by

CHUNK, N = 7, 40


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    rng = np.random.default_rng(0)
    keys = [f"K-{number:04}" for number in rng.permutation(9000)[:60]]
    rows = pd.DataFrame({"x": rng.normal(size=60), "c": rng.choice(["a", "b"], 60), "key": keys})
    trainer = Trainer(max_epochs=1, progress=False)
    return Synthesizer(Toy(), trainer=trainer, schema={"key": "identifier"}, relations=False, random_state=0).fit(rows)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitted_module, "CHUNK_ROWS", CHUNK)


@pytest.mark.parametrize("conditions", [None, {"c": "a"}, pd.DataFrame({"c": ["a", "b"] * (N // 2)})])
def test_parts_in_any_order(synthesizer, conditions):
    whole = synthesizer.sample(N, conditions, random_state=3)
    sample = pickle.loads(pickle.dumps(synthesizer.chunked_sample(N, conditions, 3)))
    for start, stop in [(30, 33), (0, 5), (5, 26), (6, 7), (35, 99)]:
        part = pd.concat(list(sample.frames(start, stop)), ignore_index=True)
        pd.testing.assert_frame_equal(part, whole.iloc[start:stop].reset_index(drop=True))
    assert whole["key"].is_unique
    assert list(sample.frames(12, 12)) == []


def test_a_chunk_across_two_parts_is_drawn_once(synthesizer, monkeypatch):
    whole, sample = synthesizer.sample(N, random_state=3), synthesizer.chunked_sample(N, random_state=3)
    draw, drawn = sample._draw, []

    def noted(number):
        drawn.append(number)
        return draw(number)

    monkeypatch.setattr(sample, "_draw", noted)
    parts = [pd.concat(list(sample.frames(start, start + 10))) for start in range(0, N, 10)]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)
    assert drawn == list(range(-(-N // CHUNK)))


def test_identifiers_need_no_copy_of_a_generator(synthesizer, monkeypatch):
    def other_seeds(_):  # as numpy 1.26 copies and pickles
        return np.random.default_rng, ()

    whole = synthesizer.sample(N, random_state=3)
    monkeypatch.setitem(copyreg.dispatch_table, np.random.Generator, other_seeds)
    part = pd.concat(list(synthesizer.chunked_sample(N, random_state=3).frames(12, 30)), ignore_index=True)
    pd.testing.assert_frame_equal(part, whole.iloc[12:30].reset_index(drop=True))


def test_a_part_has_no_more_rows_than_a_chunk(synthesizer):
    sizes = [len(frame) for frame in synthesizer.chunked_sample(N, random_state=3).frames(5, 20)]
    assert sizes == [2, 7, 6]


def test_another_function_draws_large_samples(synthesizer):
    asked = []

    def draw(sample):
        asked.append(sample.n)
        return sample.frames()

    whole = synthesizer.sample(N, random_state=3)
    with drawn_by(draw):
        again = synthesizer.sample(N, random_state=3)
        small = synthesizer.sample(CHUNK, random_state=3)
    assert asked == [N]
    pd.testing.assert_frame_equal(again, whole)
    pd.testing.assert_frame_equal(small, whole.head(CHUNK))
