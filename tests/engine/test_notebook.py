"""What a notebook shows of fitted estimators: all that there is, safely, and without changing anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.pipeline import make_pipeline
from toy_models import Toy

from gensynth import AnomalyDetector, Synthesizer, Trainer
from gensynth.engine import notebook
from gensynth.engine.fitted_model import FittedModel

HOSTILE = "<script>alert(1)</script>"
QUICK = Trainer(max_epochs=3, progress=False, device="cpu")


def table(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({
        HOSTILE: rng.normal(size=n),
        "city": rng.choice(np.array(["Rome", HOSTILE, None]), n),
        "one": 1,
    })  # fmt: skip


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    return Synthesizer(Toy(), trainer=QUICK, random_state=0).fit(table())


def html_of(estimator: Any) -> str:
    bundle = estimator._repr_mimebundle_()
    assert bundle["text/plain"] == repr(estimator)
    assert estimator._repr_html_().partition("gensynth-shown")[2].count("<tr>") == bundle["text/html"].count("<tr>")
    shown: str = bundle["text/html"]
    return shown


def test_columns_model_training_and_rows_are_shown_under_the_diagram(synthesizer: Synthesizer) -> None:
    shown = html_of(synthesizer)
    assert "sk-top-container" in shown
    own = shown[shown.index("Synthesizer: Toy") :]
    assert "3 columns: 1 numeric, 1 categorical, 1 constant" in own
    assert "not learned: one value only" in own
    assert "Trained on 120 rows, 3 epochs" in own
    n = len(synthesizer.history_)
    assert f"the last {min(n, 5)} of {n} evaluations" in own
    assert own.count("<tr>") == (1 + 3) + (1 + min(n, 5)) + (1 + 5)
    assert "monitor" in own


def test_what_comes_from_data_is_escaped(synthesizer: Synthesizer) -> None:
    assert "<script>alert" not in html_of(synthesizer)
    assert "&lt;script&gt;alert" in html_of(synthesizer)


def test_looking_changes_nothing() -> None:
    other = Synthesizer(Toy(), trainer=QUICK, random_state=0).fit(table())
    np.random.seed(7)  # noqa: NPY002 - the global source must not move
    expected = np.random.RandomState(7).rand()
    assert html_of(other).partition("drawn rows")[2] == html_of(other).partition("drawn rows")[2]
    assert np.random.rand() == expected  # noqa: NPY002
    unseen = Synthesizer(Toy(), trainer=QUICK, random_state=0).fit(table())
    pd.testing.assert_frame_equal(other.sample(20), unseen.sample(20))


def test_one_that_is_not_fitted_shows_scikit_learns() -> None:
    for estimator in (Synthesizer(Toy()), AnomalyDetector(Toy())):
        shown = html_of(estimator)
        assert "sk-top-container" in shown
        assert "gensynth-shown" not in shown


def test_scikit_learns_setting_is_kept(synthesizer: Synthesizer) -> None:
    with sklearn.config_context(display="text"):
        assert "text/html" not in synthesizer._repr_mimebundle_()
        assert not hasattr(synthesizer, "_repr_html_")


def test_a_pipeline_shows_the_diagram(synthesizer: Synthesizer) -> None:
    assert "gensynth-shown" not in make_pipeline(synthesizer)._repr_html_()


def test_a_detector_tells_its_threshold() -> None:
    detector = AnomalyDetector(Toy(), trainer=QUICK, density=False, n_estimators=2, random_state=0).fit(table())
    shown = html_of(detector)
    assert f"Rows with a score below {detector.offset_:.4g} are anomalies" in shown
    assert "weights in 2 networks" in shown
    assert "5 drawn rows" in shown


def test_rows_are_not_drawn_where_the_family_cannot_or_the_table_is_wide(
    synthesizer: Synthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "_MAX_DRAWN", 2)
    assert "drawn rows" not in html_of(synthesizer)
    monkeypatch.undo()
    monkeypatch.setattr(Toy, "capabilities", frozenset({"score"}))
    assert "drawn rows" not in html_of(synthesizer)


def test_a_failure_is_told_and_does_not_escape(synthesizer: Synthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError(HOSTILE)

    monkeypatch.setattr(FittedModel, "sample", broken)
    shown = html_of(synthesizer)
    assert "what was fitted cannot be shown: RuntimeError: &lt;script&gt;" in shown
    assert "sk-top-container" in shown


def test_long_tables_are_cut(synthesizer: Synthesizer) -> None:
    columns = [replace(synthesizer.schema_.columns[1], name=f"c{i}") for i in range(150)]
    (section,) = notebook.columns_sections(columns)
    assert (len(section.rows), section.folded, section.note) == (100, True, "and 50 more")
    wide = pd.DataFrame(np.zeros((9, 30)))
    rows = notebook.rows_section("rows", wide)
    assert (len(rows.rows), len(rows.rows[0]), rows.note) == (5, 20, "and 10 more columns")
    assert notebook.history_sections(pd.DataFrame()) == []
