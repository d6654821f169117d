"""Relations on a graph: the rows that break them, and distances that columns are learned as."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from export_tables import N, related
from graphs import assert_same_rows, fitted_encoder


def shuffled(frame, seed=1):
    """Return the rows with a tenth of the cells of each column from other rows, and some missing."""
    rng = np.random.default_rng(seed)
    out = frame.copy()
    for name in frame:
        at = np.flatnonzero(rng.random(len(frame)) < 0.1)
        out[name] = out[name].astype(object)
        out.loc[at, name] = frame[name].to_numpy(dtype=object)[rng.permutation(len(frame))[: len(at)]]
        out.loc[at[:2], name] = None
    out.loc[5, "city"] = "Atlantis"
    out.loc[6, "country"] = "??"
    return out


@pytest.mark.parametrize("encoding", ["bins", "standard"])
def test_rows_that_break_relations(encoding):
    frame = related()
    encoder = fitted_encoder(frame, encoding, relations="auto")
    kinds = {relation.kind for relation in encoder.schema.relations}
    exact = {"sum", "factor", "product", "dependency"}
    assert kinds >= (exact | {"order", "missing"} if encoding == "bins" else exact - {"sum"})
    assert bool(encoder.gaps) == (encoding == "bins")
    new = pd.concat([frame, shuffled(frame)], ignore_index=True)
    assert_same_rows(encoder, new)


@pytest.mark.parametrize("declared", ["a = 2.5 * b", "c = a / b", "a + b = 7", "a <= c", "k -> a"])
@pytest.mark.parametrize("decimals", [None, 2])
def test_declared_relations(declared, decimals):
    rng = np.random.default_rng(0)
    b = rng.normal(3, 1, N) if decimals is None else np.round(rng.normal(3, 1, N), decimals)
    k = rng.integers(0, 9, N)
    a = {"a =": 2.5 * b, "a +": 7 - b, "k ->": 1.5 * k}.get(declared[:4].strip(), rng.normal(20, 1, N))
    a = a if decimals is None else np.round(a, 3)
    c = a / b if declared[0] == "c" else a + rng.exponential(1, N)
    frame = pd.DataFrame({"a": a, "b": b, "c": c if decimals is None else np.round(c, 2), "k": k})
    encoder = fitted_encoder(frame, "bins", relations=[declared])
    assert len(encoder.checks) == 1
    wrong = frame.copy()
    wrong["a"] = rng.permutation(frame["a"])
    assert_same_rows(encoder, pd.concat([frame, wrong], ignore_index=True))
