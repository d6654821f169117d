"""Names of rows and columns, and the style of a file, go through a fit and a model file."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from gensynth import AnomalyDetector, Synthesizer, Trainer, augment, load
from gensynth.errors import DataError
from gensynth.tables import Container, CsvStyle, read_table, to_frame, write_table

RNG = np.random.default_rng(0)
LEVELS = pd.MultiIndex.from_tuples([("size", "x"), ("size", "y"), ("name", "")], names=["group", "what"])


def frame():
    return pd.DataFrame({"x": RNG.normal(size=60), "y": RNG.normal(size=60), "z": RNG.choice(["a", "b"], 60)})


def quick():
    return Trainer(max_epochs=1, progress=False)


def test_names_of_columns_and_rows_survive(tmp_path):
    data = frame().rename_axis(columns="feature", index="row")
    synthesizer = Synthesizer("vae", trainer=quick(), random_state=0).fit(data)
    synthesizer.save(tmp_path / "m.gensynth")
    for fitted in (synthesizer, load(tmp_path / "m.gensynth")):
        made = fitted.sample(3)
        assert made.columns.name == "feature"
        assert made.index.name == "row"
        assert fitted.impute(data).columns.name == "feature"
    whole = augment(data, n_rows=3, model="vae", trainer=quick(), random_state=0).frame
    assert whole.columns.name == "feature"


def test_columns_of_several_levels_come_back(tmp_path):
    data = frame().set_axis(LEVELS, axis=1)
    data.iloc[3, 0] = np.nan
    synthesizer = Synthesizer("vae", trainer=quick(), random_state=0).fit(data)
    assert synthesizer.schema_.names == ("size_x", "size_y", "name")
    synthesizer.save(tmp_path / "m.gensynth")
    for fitted in (synthesizer, load(tmp_path / "m.gensynth")):
        made = fitted.sample(3, conditions={"name": "a"})
        pd.testing.assert_index_equal(made.columns, LEVELS)
        filled = fitted.impute(data)
        pd.testing.assert_index_equal(filled.columns, LEVELS)
        assert filled.notna().all(axis=None)
        assert fitted.score_samples(data).shape == (60,)
    result = augment(data, n_rows=3, model="vae", trainer=quick(), random_state=0)
    assert result.frame.columns.names == LEVELS.names
    assert result.frame.columns.tolist() == [*LEVELS, ("_synthetic", "")]
    pd.testing.assert_frame_equal(result.frame.iloc[:60, :3], data)
    result = augment(data, ("name", ""), balance=True, model="vae", trainer=quick(), random_state=0)
    assert result.frame[("name", "")].value_counts().std() == 0


def test_an_index_of_several_levels_stays_where_rows_stay():
    rows = pd.MultiIndex.from_product([["nl", "de"], range(30)], names=["country", "i"])
    data = frame().set_axis(rows)
    data.iloc[3, 0] = np.nan
    filled = Synthesizer("vae", trainer=quick(), random_state=0).fit(data).impute(data)
    pd.testing.assert_index_equal(filled.index, rows)
    shares = AnomalyDetector(trainer=quick(), random_state=0).fit(data).explain(data)
    pd.testing.assert_index_equal(shares.index, rows)


@pytest.mark.parametrize(
    "columns", [[("a", "b"), ("a_b", ""), ("c", "")], [("a", 1.5), ("b", 2.0), ("c", 3.0)]], ids=["alike", "numbers"]
)
def test_labels_that_cannot_be_joined_are_refused(columns):
    with pytest.raises(DataError, match="rename"):
        to_frame(frame().set_axis(pd.MultiIndex.from_tuples(columns), axis=1))


def test_the_style_of_a_file_goes_with_the_model(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("a;ok\n" + "".join(f"{i % 5}.50;{'yn'[i % 2]}\n" for i in range(60)))
    synthesizer = Synthesizer("vae", trainer=quick(), random_state=0).fit(read_table(path))
    synthesizer.save(tmp_path / "m.gensynth")
    detector = AnomalyDetector(trainer=quick(), random_state=0).fit(read_table(path))
    detector.save(tmp_path / "d.gensynth")
    assert load(tmp_path / "d.gensynth").estimators_[0].container == detector.estimators_[0].container
    loaded = load(tmp_path / "m.gensynth")
    style = loaded.fitted_.container.style
    assert isinstance(style, CsvStyle)
    assert style == synthesizer.fitted_.container.style
    made = loaded.sample(5)
    assert isinstance(made, pd.DataFrame)
    write_table(made, tmp_path / "out.csv", style)
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == "a;ok"
    assert all(line.split(";")[0].endswith(".50") for line in lines[1:])


def test_an_older_file_knows_neither_names_nor_style():
    assert Container.from_json({"family": "pandas", "detail": ""}) == Container()
    assert json.loads(json.dumps(Container().to_json())) == {"family": "pandas", "detail": ""}
