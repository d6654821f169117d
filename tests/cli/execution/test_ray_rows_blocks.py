"""What a worker does with a block of rows, without a cluster."""

from __future__ import annotations

import pickle
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from command_line import people

from gensynth.cli.execution.ray_rows import Block, MakeBlock, ScoreBlock
from gensynth.cli.input.models import load_synthesizer
from gensynth.cli.output.tables import table_output
from gensynth.cli.row_sources.samples import SampledRows
from gensynth.cli.row_sources.scores import ScoredRows
from gensynth.errors import OptionError
from gensynth.persistence import load
from gensynth.tables import open_table


def sent(task):
    """Return a task as a worker has it."""
    return pickle.loads(pickle.dumps(task))


def noted_folder(name):
    """Return a folder as the command leaves it to workers."""
    with table_output(f"{name}/", part_rows=50).parts(0, {}):
        return Path(name).absolute()


@pytest.mark.parametrize("csv", [True, False])
def test_rows_are_sent_with_what_is_written_of_them(folder, csv):
    table = open_table("good.csv" if csv else "good.parquet")
    task = sent(MakeBlock(ScoredRows(load("m.gensynth"), table, None, 0, csv=csv), csv=csv))
    (rows,), ((low, high),) = task(Block(30, 50))
    assert len(rows) == 20
    assert list(rows.frame.columns) == []
    assert (rows.text is None, rows.arrow is None) == (not csv, csv)
    scores = pd.to_numeric(rows.text["score"]) if csv else rows.arrow.column("score").to_pandas()
    whole = load("m.gensynth").score_samples(open_table("good.csv"))
    assert scores.tolist() == whole[30:50].tolist()
    assert (low, high) == (whole[30:50].min(), whole[30:50].max())


def test_rows_of_another_kind_of_file_are_sent_as_values(folder):
    task = sent(MakeBlock(ScoredRows(load("m.gensynth"), open_table("good.csv"), None, 0, csv=False), csv=False))
    (rows,), _ = task(Block(0, 5))
    assert list(rows.frame.columns) == [*people().columns, "score"]
    assert rows.text is None


def test_a_part_is_written_and_not_sent(folder):
    synthesizer = load_synthesizer(Path("m.gensynth"), "sample")
    rows = SampledRows(synthesizer.chunked_sample(90, None, 3), None, csv=False)
    task, block = sent(MakeBlock(rows, csv=False)), Block(20, 60, noted_folder("out") / "part.parquet")
    assert task(block) == ([], [None])
    whole = load_synthesizer(Path("m.gensynth"), "sample").sample(90, random_state=3)
    found = pq.read_table("out/part.parquet").to_pandas()
    pd.testing.assert_frame_equal(found, whole.iloc[20:60].reset_index(drop=True), check_dtype=False)


def test_of_a_part_that_is_there_is_only_told(folder):
    task = MakeBlock(ScoredRows(load("m.gensynth"), open_table("good.csv"), None, 0, csv=False), csv=False)
    path = noted_folder("out") / "part.parquet"
    written = task(Block(30, 50, path))
    before = path.stat().st_mtime_ns
    assert task(Block(30, 50, path)) == written
    assert path.stat().st_mtime_ns == before
    assert written[0] == []
    assert len(written[1]) == 1


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_a_worker_does_not_have(folder, there):
    path = folder / "elsewhere"
    if there:  # of the same name on this machine
        path.mkdir()
    task = MakeBlock(ScoredRows(load("m.gensynth"), open_table("good.csv"), None, 0, csv=False), csv=False)
    with pytest.raises(
        OptionError, match=r"/elsewhere is not there on .*: workers on several machines write to a folder"
    ):
        task(Block(0, 5, path / "part-00000.parquet"))
    assert not list(path.glob("*"))


def test_scores_and_p_values_of_a_block(folder):
    detector = load("d.gensynth")
    scores, p_values = sent(ScoreBlock(detector, open_table("good.csv")))(Block(10, 30))
    analysis = detector.analyse(pd.read_csv("good.csv"))
    assert scores.tolist() == analysis.scores[10:30].tolist()
    assert p_values.tolist() == analysis.p_values[10:30].tolist()


def test_parts_of_a_folder_are_noted_and_what_is_left_is_removed(folder):
    out = table_output("out/", part_rows=50)
    assert not out.csv
    with out.parts(120, {"command": "test"}) as parts:
        assert [(path.name, start, stop) for path, start, stop in parts] == [
            ("part-00000.parquet", 0, 50),
            ("part-00001.parquet", 50, 100),
            ("part-00002.parquet", 100, 120),
        ]
        assert not out.noted()["finished"]
        Path("out/.part-00001.parquet.0.tmp").touch()
    assert out.noted()["finished"]
    assert [path.name for path in Path("out").iterdir()] == ["_gensynth.json"]
    assert table_output("x.csv").csv
    assert not table_output("x.parquet").csv
    assert table_output("-").csv
