"""Arguments that are not UTF-8, and models that were fitted in Python with other containers than a file gives."""

from __future__ import annotations

import sys
from pathlib import Path

import polars
import pyarrow as pa
import pytest
from command_line import QUICK, QUICK_DETECTOR, people, posix

from gensynth import Synthesizer, Trainer, load
from gensynth.errors import ConditionError, DataError
from gensynth.tables import read_table

BAD = "caf\udce9"  # what Python makes of an argument in Latin-1


@posix
def test_paths_need_not_be_utf8(folder: Path, run) -> None:
    for ending in ("csv", "parquet"):
        Path(f"good.{ending}").rename(f"{BAD}.{ending}")
        fitted = run("fit", f"{BAD}.{ending}", "-o", f"{BAD}.gensynth", "--checkpoint", f"{BAD}.ckpt", *QUICK)
        assert fitted.code == 0, fitted.err
        for line in (
            ["sample", f"{BAD}.gensynth", "-n", "5", "-o", f"{BAD}1.{ending}"],
            ["score", f"{BAD}.gensynth", f"{BAD}.{ending}", "-o", f"{BAD}2.{ending}"],
            ["impute", f"{BAD}.gensynth", f"{BAD}.{ending}", "-o", f"{BAD}3.{ending}"],
            ["augment", f"{BAD}.{ending}", "--rows", "5", "-o", f"{BAD}4.{ending}", *QUICK],
            ["detect", f"{BAD}.{ending}", "-o", f"{BAD}5.{ending}", "--html", f"{BAD}.html", *QUICK_DETECTOR],
        ):
            outcome = run(*line)
            assert outcome.code == 0, outcome.err
        assert len(read_table(f"{BAD}1.{ending}").frame) == 5
        assert len(read_table(f"{BAD}4.{ending}").frame) == 125
        assert Path(f"{BAD}.html").read_text(encoding="utf-8")


@posix
@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["augment", "good.csv", "-o", "out.csv", "--target", BAD], "--target"),
        (["fit", "good.csv", "-o", "out.gensynth", "--condition-on", BAD], "--condition-on"),
        (["fit", "good.csv", "-o", "out.gensynth", "--schema", f"{BAD}=numeric"], "--schema"),
        (["fit", "good.csv", "-o", "out.gensynth", "--schema", f"sex={BAD}"], "kind"),
        (["fit", "good.csv", "-o", "out.gensynth", "--set", f"model.latent_dim={BAD}"], "model.latent_dim"),
        (["fit", "good.csv", "-o", "out.gensynth", "--missing", BAD], "--missing"),
        (["fit", "good.csv", "-o", "out.gensynth", "-m", BAD], "no model"),
        (["fit", BAD, "-o", "out.gensynth"], "neither a file nor a data set"),
        (["sample", "m.gensynth", "-o", "out.csv", "--where", f"sex={BAD}"], "--where"),
        (["sample", "m.gensynth", "-o", "out.csv", "--where", f"{BAD}=1"], "--where"),
        (["sample", f"{BAD}.gensynth", "-o", "out.csv"], "no model file"),
        (["datasets", "show", BAD], "no data set"),
        ([BAD], "No such command"),
    ],
)
def test_other_arguments_are_refused_by_name(line, words, folder: Path, run) -> None:
    outcome = run(*line)
    assert outcome.code == 2
    assert words in outcome.err
    assert "\\udce9" in outcome.err
    assert not Path("out.csv").exists()
    assert not Path("out.gensynth").exists()


def test_a_condition_that_is_no_unicode(folder: Path) -> None:
    with pytest.raises(ConditionError, match=r"'sex': .*lone surrogate"):
        load("m.gensynth").sample(3, conditions={"sex": BAD})


def fitted_on(table, path: Path) -> None:
    trainer = Trainer(max_epochs=1, progress=False)
    Synthesizer("vae", trainer=trainer, random_state=0).fit(table).save(path)


MADE = {
    "polars": polars.from_pandas,
    "arrow": pa.Table.from_pandas,
    "numpy": lambda frame: frame[["age", "income"]].to_numpy(),
    "structured": lambda frame: frame[["age", "income"]].to_records(index=False),
    "series": lambda frame: frame["age"],
}


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_sample_writes_a_file_whatever_was_fitted(kind, ending, tmp_path: Path, run) -> None:
    table = people().rename_axis(columns=None)
    fitted_on(MADE[kind](table), tmp_path / "m.gensynth")
    out = tmp_path / f"out.{ending}"
    outcome = run("sample", str(tmp_path / "m.gensynth"), "-n", "30", "-o", str(out), "--seed", "0")
    assert outcome.code == 0, outcome.err
    made = read_table(out).frame
    assert len(made) == 30
    names = {"numpy": ["x0", "x1"], "structured": ["age", "income"], "series": ["age"]}
    assert list(made.columns) == names.get(kind, list(table.columns))
    assert made.iloc[:, 0].between(18, 80).all()


def test_a_model_of_polars_where_polars_is_not_installed(tmp_path: Path, run, monkeypatch) -> None:
    people().to_csv(tmp_path / "good.csv", index=False)
    model, data, out = (str(tmp_path / name) for name in ("m.gensynth", "good.csv", "out.csv"))
    fitted_on(polars.from_pandas(people()), Path(model))
    monkeypatch.setitem(sys.modules, "polars", None)
    for line in (["sample", model, "-n", "5"], ["score", model, data], ["impute", model, data]):
        outcome = run(*line, "-o", out)
        assert outcome.code == 0, outcome.err
    with pytest.raises(DataError, match="pip install polars"):
        load(model).sample(5)


def test_a_pattern_that_the_shell_wrote_out_is_told_of(folder: Path, run) -> None:
    advice = "A pattern of several files is one argument: put it in quotes"
    many = run("fit", "good.csv", "five.csv", "weighed.csv", "-o", "x.gensynth")
    assert many.code == 2
    assert advice in " ".join(many.err.split())
    one = run("fit", "good.csv", "five.csv", "-o", "x.gensynth")
    assert advice in " ".join(one.err.split())
    other = run("fit", "good.csv", "nothing", "-o", "x.gensynth")
    assert other.code == 2
    assert advice not in " ".join(other.err.split())
    assert not Path("x.gensynth").exists()
