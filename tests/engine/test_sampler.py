"""Rows and cells that are drawn in batches are those that are drawn at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from toy_models import Toy

from gensynth import Synthesizer, Trainer
from gensynth.engine import fitted_model as fitted_module
from gensynth.engine import sampler
from gensynth.errors import OptionError
from gensynth.tables.stream import MemoryStream
from gensynth.tables.table import Table

CHUNK = 7


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=60), "c": rng.choice(["a", "b"], 60), "key": np.arange(5000, 5060)})
    return frame.assign(x=frame["x"].mask(rng.random(60) < 0.3))


@pytest.fixture(scope="module")
def synthesizer(rows: pd.DataFrame) -> Synthesizer:
    trainer = Trainer(max_epochs=1, progress=False)
    return Synthesizer(Toy(), trainer=trainer, schema={"key": "identifier"}, relations=False, random_state=0).fit(rows)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitted_module, "CHUNK_ROWS", CHUNK)
    monkeypatch.setattr(sampler, "CHUNK_ROWS", CHUNK)


@pytest.mark.parametrize("start", [0, 3, CHUNK, 15])
def test_a_sample_in_batches(synthesizer, start):
    whole = synthesizer.sample(20, random_state=3)
    parts = list(synthesizer.sample_batches(20, random_state=3, start=start))
    assert max(map(len, parts)) <= CHUNK
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole.iloc[start:].reset_index(drop=True))
    assert whole["key"].is_unique


@pytest.mark.parametrize("start", [0, 10])
def test_gaps_in_batches(rows, start):
    trainer = Trainer(max_epochs=1, progress=False)
    synthesizer = Synthesizer(
        "vae", trainer=trainer, schema={"key": "identifier"}, relations=False, random_state=0
    ).fit(rows)
    whole = synthesizer.impute(rows, random_state=3)
    found = list(synthesizer.impute_batches(MemoryStream(Table(rows)), random_state=3, start=start))
    assert whole["x"].notna().all()
    pd.testing.assert_frame_equal(pd.concat([filled for _, filled in found]), whole.iloc[start:])
    pd.testing.assert_frame_equal(pd.concat([batch.frame for batch, _ in found]), rows.iloc[start:])


def test_calls_without_a_seed_differ_and_repeat_with_the_fit(synthesizer, rows):
    again = Synthesizer(**synthesizer.get_params(deep=False)).fit(rows)
    first, second = (again.sample(9) for _ in range(2))
    assert not first.equals(second)
    other = Synthesizer(**synthesizer.get_params(deep=False)).fit(rows)
    pd.testing.assert_frame_equal(other.sample(9), first)
    with pytest.raises(OptionError, match="-1"):
        other.sample(-1)
