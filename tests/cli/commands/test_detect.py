"""``gensynth detect``, and ``gensynth score --explain``."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import QUICK_DETECTOR, Run, people

from gensynth import load

ADDED = ["score", "p_value", "anomaly", "reason"]


def with_anomalies() -> pd.DataFrame:
    return people().assign(income=people()["income"].where(people().index != 7, 1e9))


@pytest.fixture
def odd(folder: Path) -> str:
    """Return a table whose eighth row is odd, its booleans and numbers written in a style of their own."""
    text = with_anomalies().to_csv(index=False).replace("True", "TRUE").replace("1000000000.0", "1e9")
    (folder / "odd.csv").write_text(text)
    return "odd.csv"


def test_rows_keep_their_text_and_get_four_columns(odd: str, run: Run) -> None:
    outcome = run("detect", odd, "-o", "out.csv", "--contamination", "0.05", *QUICK_DETECTOR)
    assert outcome.code == 0, outcome.err
    assert not outcome.out
    before, lines = Path(odd).read_text().splitlines(), Path("out.csv").read_text().splitlines()
    assert all(line.startswith(old + ",") for line, old in zip(lines, before, strict=True))
    table = pd.read_csv("out.csv", keep_default_na=False)
    assert list(table.columns) == [*people().columns, *ADDED]
    assert table["anomaly"].sum() == 6
    assert table["score"].idxmin() == 7
    assert table["reason"][7].startswith("income 1,000,000,000 where")
    assert table["p_value"].between(0, 1).all()
    assert (table["reason"] != "").tolist() == table["anomaly"].tolist()
    for words in ("120 rows, 6 anomalies (5 %)", "threshold", "income 1,000,000,000", "out.csv"):
        assert words in outcome.err


def test_the_columns_are_what_the_saved_detector_says(odd: str, run: Run) -> None:
    more = ["--train-on", "good.csv", "--save", "new.gensynth", *QUICK_DETECTOR]
    assert run("detect", odd, "-o", "out.parquet", *more).code == 0
    table, detector = pd.read_parquet("out.parquet"), load("new.gensynth")
    frame = table[people().columns]
    assert detector.novelty
    np.testing.assert_allclose(table["score"], detector.score_samples(frame))
    np.testing.assert_allclose(table["p_value"], detector.p_values(frame))
    assert table["anomaly"].tolist() == (detector.predict(frame) == -1).tolist()
    assert table["anomaly"].dtype == bool
    assert table["anomaly"][7]
    assert run("score", "new.gensynth", odd, "-o", "scores.parquet").code == 0
    np.testing.assert_allclose(pd.read_parquet("scores.parquet")["score"], table["score"])


def test_fdr_labels_by_p_values(folder: Path, run: Run) -> None:
    people(400, seed=1).to_csv("normal.csv", index=False)
    people(40, seed=2).assign(income=1e9).to_csv("new.csv", index=False)
    more = ["--train-on", "normal.csv", "--save", "new.gensynth", *QUICK_DETECTOR]
    outcome = run("detect", "new.csv", "-o", "out.csv", "--fdr", "0.2", *more)
    assert outcome.code == 0, outcome.err
    table = pd.read_csv("out.csv")
    expected = load("new.gensynth").predict(table[people().columns], fdr=0.2) == -1
    assert table["anomaly"].tolist() == expected.tolist()
    assert expected.all()


def test_too_few_normal_rows_for_fdr_are_noted(odd: str, run: Run) -> None:
    outcome = run("detect", odd, "-o", "out.csv", "--train-on", "good.csv", "--fdr", "0.01", *QUICK_DETECTOR)
    assert outcome.code == 0, outcome.err
    assert "--fdr 0.01 labels no row" in outcome.err
    assert "12 held-out normal rows" in outcome.err
    table = pd.read_csv("out.csv", keep_default_na=False)
    assert not table["anomaly"].any()
    assert not table["reason"].any()


def test_the_page(odd: str, run: Run) -> None:
    outcome = run("detect", odd, "-o", "out.csv", "--html", "page.html", "--contamination", "0.05", *QUICK_DETECTOR)
    assert outcome.code == 0, outcome.err
    page = Path("page.html").read_text("utf-8")
    assert page.count("<article") == 50
    assert page.count(">anomaly</span>") == 6
    for words in (
        "Row 8<",
        "income 1,000,000,000 where",
        "1e9",
        "vae, 2 networks, and a density beside it; score: elbo",
        "anomalies, which was given",
    ):
        assert words in page
    assert "page.html" in outcome.err


def test_same_seed_same_files(odd: str, run: Run) -> None:
    for name in ("a", "b"):
        more = ["-o", f"{name}.csv", "--html", f"{name}.html"]
        assert run("detect", odd, *more, *QUICK_DETECTOR).code == 0
    for ending in ("csv", "html"):
        assert Path(f"a.{ending}").read_bytes() == Path(f"b.{ending}").read_bytes()


@pytest.mark.parametrize("model", ["gan", "vlae"])
def test_other_families_and_scores(model: str, odd: str, run: Run) -> None:
    more = ["-m", model, "--score", "reconstruction", "--save", "new.gensynth"]
    width = "model.width=16" if model == "gan" else "model.hidden=16"
    quick = [option.replace("model.hidden=16,16", width) for option in QUICK_DETECTOR]
    outcome = run("detect", odd, "-o", "out.csv", *more, *quick)
    assert outcome.code == 0, outcome.err
    detector = load("new.gensynth")
    assert detector.method_ == "reconstruction"
    assert detector.estimators_[0].recipe.n_members == 2
    assert detector.trainer.batch_size == 128


def test_outputs_are_tried_before_training(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import gensynth.training

    monkeypatch.setattr(gensynth.training.Trainer, "run", lambda *_, **__: pytest.fail("it trained"))
    Path("page.html").symlink_to("both.html")
    Path("out.csv").symlink_to("both.html")
    for more in (["--html", "/proc/p.html"], ["--save", "/proc/d.gensynth"], ["--html", "page.html"]):
        assert run("detect", "good.csv", "-o", "out.csv", *more).code == 2
    assert "same file" in run("detect", "good.csv", "-o", "out.csv", "--html", "page.html").err
    for more in (["--score", "magic"], ["--train-on", "weighed.csv"]):
        assert run("detect", "good.csv", "-o", "out2.csv", *more).code == 2
    assert run("detect", "text_age.csv", "-o", "out2.csv", "--train-on", "good.csv").code == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")  # noqa: PTH110
def test_full_disk_leaves_nothing(odd: str, folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(folder.iterdir())
    monkeypatch.setattr(os, "fsync", _full)
    outcome = run("detect", odd, "-o", "out.csv", "--html", "page.html", *QUICK_DETECTOR)
    assert outcome.code == 2
    assert "No space left" in outcome.err
    assert sorted(folder.iterdir()) == before


def _full(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(("model", "labels"), [("m.gensynth", []), ("d.gensynth", ["p_value", "anomaly"])])
def test_score_explains(model: str, labels: list[str], odd: str, run: Run) -> None:
    assert run("score", model, odd, "-o", "out.csv", "--explain", "--top", "2").code == 0
    table = pd.read_csv("out.csv", keep_default_na=False)
    assert list(table.columns) == [*people().columns, "score", *labels, "top_columns", "reason"]
    named = table["top_columns"].str.split(", ")
    assert named.map(len).between(1, 2).all()
    assert named.explode().isin(people().columns).all()
    assert (table["reason"] != "").all()
    assert named[7][0] == "income"
    for row, reason in zip(named, table["reason"], strict=True):
        assert [clause.split()[0] for clause in reason.split("; ")] == row


def test_score_by_another_method_of_a_detector(odd: str, run: Run) -> None:
    assert run("score", "d.gensynth", odd, "-o", "out.csv", "--method", "reconstruction").code == 0
    assert run("score", "d.gensynth", odd, "-o", "own.csv").code == 0
    assert pd.read_csv("out.csv")["score"].tolist() != pd.read_csv("own.csv")["score"].tolist()


def test_where_the_share_cannot_be_told_the_ten_oddest_are_listed_with_reasons(folder: Path, run: Run) -> None:
    people(60, seed=3).to_csv("usual.csv", index=False)
    outcome = run("detect", "usual.csv", "-o", "out.csv", *QUICK_DETECTOR)
    assert outcome.code == 0, outcome.err
    assert "the number of anomalies is uncertain" in outcome.err
    assert "--contamination SHARE" in outcome.err
    table = pd.read_csv("out.csv", keep_default_na=False)
    labelled, listed = int(table["anomaly"].sum()), int((table["reason"] != "").sum())
    assert listed == max(10, labelled)
    assert (table["reason"][table["score"].sort_values().index[:10]] != "").all()
    told = run("detect", "usual.csv", "-o", "out.csv", "--contamination", "0.1", *QUICK_DETECTOR)
    assert "cannot be told" not in told.err


def test_the_page_says_which_row_and_how_to_make_it_again(folder: Path, run: Run) -> None:
    keys = [f"K-{i:05d}" for i in range(120)]
    with_anomalies().assign(key=keys).to_csv("keyed.csv", index=False)
    more = ["--html", "page.html", "--contamination", "0.05", *QUICK_DETECTOR]
    outcome = run("detect", "keyed.csv", "-o", "out.csv", *more)
    assert outcome.code == 0, outcome.err
    page = Path("page.html").read_text("utf-8")
    assert "key K-00007<" in page
    assert "<span>row 8</span>" in page
    assert "seed 0, 20" in page


def test_normal_rows_with_identifiers_are_not_spoken_of_as_drawn_from(folder: Path, run: Run) -> None:
    rows = people().assign(id=[f"C-{i:05}" for i in range(120)])
    rows.to_csv("keyed.csv", index=False)
    outcome = run("detect", "keyed.csv", "--train-on", "keyed.csv", "-o", "out.csv", *QUICK_DETECTOR)
    assert outcome.code == 0, outcome.err
    assert outcome.err.count("looks like an identifier") == 1
    assert "new rows get new values" not in outcome.err
