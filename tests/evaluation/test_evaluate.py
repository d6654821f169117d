"""Evaluations of tables whose quality is known."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from evaluated_tables import bills, evaluation, synthetic

from gensynth.errors import DataError, FewRowsError, FewRowsWarning, OptionError
from gensynth.evaluation import evaluate, evaluate_metric
from gensynth.evaluation.catalogue import METRICS
from gensynth.metrics import fidelity


def test_every_metric_stands_between_floor_and_ceiling():
    found = evaluation("real")
    assert [value.name for value in found.values] == [*(name for name in METRICS if name != "frechet_distance"), "rows"]
    for value in found.values:
        assert value.floor is not None
        assert value.ceiling is not None
        assert np.isfinite([value.value, value.floor, value.ceiling]).all(), value.name
    worst = found.to_frame().loc[["trend_error", "detection_auc"]]
    assert (worst["value"] - worst["floor"]).abs().max() < 0.1
    assert (worst["ceiling"] - worst["floor"]).min() > 0.1
    low, high = found["detection_auc"].interval or (1, 0)
    assert low < found["detection_auc"].value < high
    assert found["tstr"].value > 0.8
    assert abs((found["tstr"].ceiling or 0) - 0.5) < 0.2


def test_numbers_are_those_of_the_metrics():
    left_out = bills(500, 0).drop(columns="key"), synthetic("real").drop(columns="key")
    assert evaluation("real")["shape_error"].value == pytest.approx(fidelity(*left_out).shape_error, abs=1e-12)
    assert evaluation("real").left_out == ("key",)


def test_real_rows_are_called_real():
    assert evaluation("real").verdict.kind == "real"
    assert "no sign of memorised rows" in evaluation("real").verdict.text


def test_copies_and_rows_beside_training_rows_are_not_called_good():
    assert evaluation("copies").verdict.kind == "copies"
    assert evaluation("copies")["exact_copies"].value == 1
    found = evaluation("leaning")
    assert found.verdict.kind == "memorised"
    assert found["exact_copies"].value < 0.2
    assert found["dcr_share"].value > 0.8
    assert found["detection_auc"].value < 0.5, "detection alone would praise it"


def test_independent_columns_are_named_as_such():
    found = evaluation("independent")
    assert found.verdict.kind == "independent"
    assert found["shape_error"].value < 0.01
    assert {r.relation: r.kept < 0.6 for r in found.relations}["city -> country"]


def test_what_differs_most_comes_first():
    found = evaluation("poor")
    assert found.verdict.kind == "poor"
    assert {column.name for column in found.columns[:3]} == {"net", "rating", "city"}
    assert "city" in found.verdict.text
    errors = [pair.trend_error - pair.trend_floor for pair in found.pairs]
    assert errors == sorted(errors, reverse=True)
    assert len(found.pairs) == 28
    kept = [relation.kept for relation in found.relations]
    assert kept == sorted(kept)
    assert kept[0] < 0.1


def test_json_is_plain():
    found = json.loads(json.dumps(evaluation("real").to_json()))
    assert found["metrics"]["detection_auc"]["interval"][0] < found["metrics"]["detection_auc"]["value"]
    assert found["rows"] == {"real": 500, "synthetic": 500, "holdout": 500}
    assert {"city -> country", "total = net + vat"} <= {entry["relation"] for entry in found["relations"]}
    assert found["verdict"]["text"].startswith("Like a second sample")


def test_one_metric_alone():
    real, other = bills(200, 0), bills(200, 1)
    parts = real.drop(columns="key"), other.drop(columns="key")
    assert evaluate_metric("trend_error", real, other, metrics={}) == pytest.approx(fidelity(*parts).trend_error)
    assert evaluate_metric("half", real, other, metrics={"half": lambda a, b: 0.5}) == 0.5
    assert evaluate_metric("dcr_share", real, real, other, metrics={}) > 0.95
    with pytest.raises(OptionError, match="'dcr_share' needs held-out rows; without them there are: category_coverage"):
        evaluate_metric("dcr_share", real, other, metrics={})
    with pytest.raises(OptionError, match="'tstr' needs a target"):
        evaluate_metric("tstr", real, other, metrics={})
    with pytest.raises(OptionError, match="no metric 'nothing'"):
        evaluate_metric("nothing", real, other, metrics={})


def test_a_broken_metric_of_a_plugin_is_named():
    def broken(real: pd.DataFrame, other: pd.DataFrame) -> float:
        raise ZeroDivisionError("oh")

    with pytest.raises(DataError, match=r"metric 'mine' of a plugin failed with ZeroDivisionError: oh"):
        evaluate_metric("mine", bills(50, 0), bills(50, 1), metrics={"mine": broken})


def test_progress_and_seed():
    real, other = bills(60, 0)[["net", "vat"]], bills(60, 1)[["net", "vat"]]
    told: list[tuple[str, float]] = []
    first = evaluate(real, other, metrics={}, progress=lambda title, done: told.append((title, done)))
    assert [done for _, done in told] == sorted(done for _, done in told)
    assert (told[0], told[-1]) == (("validity", 0.0), ("done", 1.0))
    assert evaluate(real, other, metrics={}).to_frame().equals(first.to_frame())


def test_unknown_target():
    with pytest.raises(OptionError, match="target 'nope' is not a column"):
        evaluate(bills(50, 0), bills(50, 1), target="nope")


def few(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "c": rng.choice(["p", "q"], n)})


@pytest.mark.parametrize(
    ("change", "target"),
    [
        (lambda f: f.assign(c=["rare"] + ["usual"] * (len(f) - 1)), "c"),
        (lambda f: f.assign(b=f["b"].where(np.arange(len(f)) < 22)), "b"),
    ],
)
def test_a_target_that_few_rows_know_is_told_of_and_the_rest_is_measured(change, target):
    real, other = few(60, 0), few(60, 1)
    held = change(few(60, 2)).iloc[1:25]
    held = held.assign(b=held["b"].where(np.arange(len(held)) < 1)) if target == "b" else held
    with pytest.warns(FewRowsWarning, match=r"models not measured: the \d+ test rows? with a target hold one"):
        found = evaluate(change(real), change(other), held, target=target, metrics={})
    names = [value.name for value in found.values]
    assert "detection_auc" in names
    assert "tstr" not in names
    with pytest.raises(FewRowsError, match="give more rows"):
        evaluate_metric("tstr", change(real), change(other), held, target=target, metrics={})
