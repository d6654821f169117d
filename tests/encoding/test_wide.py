"""Numbers beyond what floats tell apart come back exactly where they are asked for."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from gensynth import Synthesizer, Trainer
from gensynth.errors import ConditionError

N = 300
RNG = np.random.default_rng(0)
COLUMNS = {
    "int64": pd.Series(RNG.integers(-(2**62), 2**62, N)),
    "Int64": pd.Series(RNG.integers(2**61, 2**62, N), dtype="Int64").where(pd.Series(np.arange(N) % 5 > 0)),
    "objects": pd.Series(RNG.integers(2**60, 2**62, N).tolist(), dtype=object),
    "decimals": pd.Series([Decimal(int(v)) / 7 for v in RNG.integers(1, 10**9, N)]),
    "nanoseconds": pd.Series(RNG.integers(2**60, 2**60 + 2**59, N).view("M8[ns]")),
}


@pytest.fixture(scope="module", params=COLUMNS)
def fitted(request):
    frame = pd.DataFrame({"v": COLUMNS[request.param], "z": RNG.normal(size=N).round(2)})
    model = Synthesizer("vae", trainer=Trainer(max_epochs=1, progress=False), schema={"v": kind(frame)}, random_state=0)
    return model.fit(frame), frame


def kind(frame):
    return "datetime" if frame["v"].dtype.kind == "M" else "numeric"


def test_one_value_some_values_and_a_table(fitted):
    model, frame = fitted
    held = frame["v"].dropna().tolist()
    assert model.sample(4, conditions={"v": held[3]})["v"].tolist() == [held[3]] * 4
    made = model.sample(40, conditions={"v": [held[3], held[8], held[9]]})
    assert set(made["v"]) == {held[3], held[8], held[9]}
    table = pd.DataFrame({"v": pd.Series(held[:7], dtype=frame["v"].dtype)})
    assert model.sample(conditions=table)["v"].tolist() == held[:7]
    assert made["v"].dtype == frame["v"].dtype


def test_beyond_the_range_is_refused(fitted):
    model, frame = fitted
    held = frame["v"].dropna().tolist()
    beyond = max(held) + (pd.Timedelta(1, "D") if kind(frame) == "datetime" else 1000)
    with pytest.raises(ConditionError, match="'v'"):
        model.sample(3, conditions={"v": beyond})
