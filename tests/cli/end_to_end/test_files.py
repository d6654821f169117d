"""Files keep their style and their types through every command, also by way of a model file."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_line import QUICK, QUICK_DETECTOR, Run

N = 120
RNG = np.random.default_rng(0)


def styled() -> str:
    rows = [
        f"{RNG.choice(['true', 'false'])};{10 * int(RNG.integers(1, 99))}.00;{RNG.choice(['NA', 'x', 'y'])};{i % 7}"
        for i in range(N)
    ]
    return "\r\n".join(["ok;price, euro;code;n", *rows]) + "\r\n"


def read(path: Path | str, sep: str = ";", encoding: str = "utf-8") -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False, sep=sep, encoding=encoding)


def done(run: Run, *arguments: str) -> str:
    outcome = run(*arguments)
    assert outcome.code == 0, outcome.err
    return outcome.err


@pytest.fixture
def csv(folder: Path) -> str:
    text = styled()
    (folder / "in.csv").write_bytes(("\ufeff" + text).encode())
    return text


def check_style(path: str, encoding: str = "utf-8-sig") -> pd.DataFrame:
    data = Path(path).read_bytes().decode(encoding)
    assert data.startswith("ok;price, euro;code;n")
    assert data.count("\r\n") == data.count("\n")
    made = read(path, encoding=encoding)
    assert set(made["ok"]) <= {"true", "false"}
    assert made["price, euro"].str.fullmatch(r"\d+\.00").all()
    assert set(made["code"]) <= {"NA", "x", "y"}
    return made


def test_a_model_writes_in_the_style_of_its_table(csv: str, run: Run) -> None:
    note = done(run, "fit", "in.csv", "-o", "m2.gensynth", *QUICK)
    assert note.count("note:") == 1
    assert "'code' (NA)" in note
    assert "--schema code=categorical" in note
    assert '--missing ""' in note
    done(run, "sample", "m2.gensynth", "-n", "60", "-o", "out.csv", "--seed", "1")
    assert "NA" in set(check_style("out.csv")["code"])
    done(run, "sample", "m2.gensynth", "-n", "60", "-o", "out.parquet", "--seed", "1")
    typed = pd.read_parquet("out.parquet")
    assert typed["ok"].dtype == bool
    assert typed["code"].isna().any()
    done(run, "sample", "m2.gensynth", "-n", "9", "-o", "out.tsv")
    assert read("out.tsv", sep="\t", encoding="utf-8-sig").shape == (9, 4)


def test_every_command_keeps_the_style(csv: str, run: Run, folder: Path) -> None:
    done(run, "augment", "in.csv", "-o", "a.csv", "--rows", "20", *QUICK)
    lines = Path("a.csv").read_bytes().decode("utf-8-sig").split("\r\n")
    assert [line.rpartition(";")[0] for line in lines[1 : N + 1]] == csv.split("\r\n")[1 : N + 1]
    assert check_style("a.csv")["_synthetic"].tolist() == ["False"] * N + ["True"] * 20
    done(run, "detect", "in.csv", "-o", "d.csv", "--save", "d.gensynth", *QUICK_DETECTOR)
    done(run, "score", "d.gensynth", "in.csv", "-o", "s.csv")
    for path in ("d.csv", "s.csv"):
        pd.testing.assert_frame_equal(check_style(path).iloc[:, :4], read("in.csv", encoding="utf-8-sig"))
    done(run, "fit", "in.csv", "-o", "m2.gensynth", *QUICK)
    done(run, "impute", "m2.gensynth", "in.csv", "-o", "i.csv")
    before, after = read("in.csv", encoding="utf-8-sig"), check_style("i.csv")
    assert set(after["code"]) == {"x", "y"}
    present = before["code"] != "NA"
    pd.testing.assert_frame_equal(after[present], before[present])


def test_a_gap_column_is_filled_in_the_style_of_the_model(csv: str, run: Run, folder: Path) -> None:
    done(run, "fit", "in.csv", "-o", "m2.gensynth", *QUICK)
    blank = read("in.csv", encoding="utf-8-sig").assign(ok="", **{"price, euro": ""})
    blank.to_csv("blank.csv", index=False)
    done(run, "impute", "m2.gensynth", "blank.csv", "-o", "i.csv")
    made = read("i.csv", sep=",")
    assert set(made["ok"]) <= {"true", "false"}
    assert made["price, euro"].str.fullmatch(r"\d+\.00").all()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252"])
def test_other_encodings_come_back(folder: Path, run: Run, encoding: str) -> None:
    text = "naam,x\n" + "".join(f"{'Zoë' if i % 3 else 'Ana'},{i % 7}\n" for i in range(N))
    (folder / "in.csv").write_bytes(text.encode(encoding))
    note = done(run, "augment", "in.csv", "-o", "out.csv", "--rows", "20", *QUICK)
    assert ("note:" in note) == (encoding == "cp1252")
    out = (folder / "out.csv").read_bytes().decode(encoding)
    assert {line.split(",")[0] for line in out.splitlines()} == {"naam", "Zoë", "Ana"}
    assert len(out.splitlines()) == N + 21


def classes(folder: Path) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"x": RNG.normal(size=N).round(3), "symptoms": ["None", "None", "mild", "severe", ""] * (N // 5)}
    )
    frame.to_csv(folder / "in.csv", index=False)
    return frame


def test_none_is_a_class_of_a_target_and_of_a_declared_category(folder: Path, run: Run) -> None:
    frame = classes(folder)
    whole = frame[frame["symptoms"] != ""]
    whole.to_csv("whole.csv", index=False)
    note = done(run, "augment", "whole.csv", "-o", "a.csv", "--target", "symptoms", "--balance", *QUICK)
    assert "missing values" not in note
    assert set(read("a.csv", sep=",")["symptoms"].value_counts()) == {48}
    note = done(run, "fit", "in.csv", "-o", "m2.gensynth", "--schema", "symptoms=categorical", *QUICK)
    assert "missing values" not in note
    done(run, "sample", "m2.gensynth", "--where", "symptoms=None", "-n", "5", "-o", "s.csv")
    assert set(read("s.csv", sep=",")["symptoms"]) == {"None"}
    done(run, "sample", "m2.gensynth", "--where", "symptoms=", "-n", "5", "-o", "s.csv")
    assert set(read("s.csv", sep=",")["symptoms"]) == {""}
    done(run, "impute", "m2.gensynth", "in.csv", "-o", "i.csv")
    made = read("i.csv", sep=",")
    assert (made["symptoms"] == "None")[frame["symptoms"] == "None"].all()
    assert "" not in set(made["symptoms"])


def test_missing_says_what_is_missing(folder: Path, run: Run) -> None:
    frame = classes(folder)
    note = done(run, "fit", "in.csv", "-o", "m2.gensynth", "--missing", "", *QUICK)
    assert "note:" not in note
    done(run, "impute", "m2.gensynth", "in.csv", "-o", "i.csv")
    made = read("i.csv", sep=",")
    assert (made["symptoms"] == "None").sum() >= (frame["symptoms"] == "None").sum()
    done(run, "fit", "in.csv", "-o", "m2.gensynth", "--missing", "mild,severe", *QUICK)
    done(run, "sample", "m2.gensynth", "-n", "60", "-o", "s.csv")
    assert "None" in set(read("s.csv", sep=",")["symptoms"])
    done(run, "impute", "m2.gensynth", "in.csv", "-o", "i.csv")  # the model file says what is missing
    assert set(read("i.csv", sep=",")["symptoms"]) == {"None"}
    outcome = run("fit", "wine", "-o", "m2.gensynth", "--missing", "x", *QUICK)
    assert outcome.code == 2
    assert "--missing" in outcome.err


def test_parquet_keeps_its_types_through_every_command(folder: Path, run: Run) -> None:
    account = [None if i % 6 == 0 else 2**60 + 1 + 7 * (i % 9) for i in range(N)]
    table = pa.table(
        {
            "account": pa.array(account, pa.int64()),
            "price": pa.array([Decimal(i % 40).scaleb(-2) for i in range(N)], pa.decimal128(20, 2)),
            "kind": pa.array(["ab"[i % 2] for i in range(N)]).dictionary_encode(),
            "x": RNG.normal(size=N),
        }
    )
    pq.write_table(table, "in.parquet")
    done(run, "augment", "in.parquet", "-o", "a.parquet", "--rows", "20", *QUICK)
    done(run, "fit", "in.parquet", "-o", "m2.gensynth", *QUICK)
    done(run, "sample", "m2.gensynth", "-n", "20", "-o", "s.parquet")
    done(run, "impute", "m2.gensynth", "in.parquet", "-o", "i.parquet")
    done(run, "score", "m2.gensynth", "in.parquet", "-o", "c.parquet")
    done(run, "detect", "in.parquet", "-o", "d.parquet", *QUICK_DETECTOR)
    for name, same in (("a", True), ("s", False), ("i", False), ("c", True), ("d", True)):
        out = pq.read_table(f"{name}.parquet")
        assert out.schema.types[:4] == table.schema.types, name
        assert set(out["account"].to_pylist()) <= set(account)
        if same:
            assert out.slice(0, N).select(table.column_names).equals(table), name
    filled = pq.read_table("i.parquet")
    assert filled.drop_columns("account").equals(table.drop_columns("account"))
    assert all(b is None or a == b for a, b in zip(filled["account"].to_pylist(), account, strict=True))
    done(run, "sample", "m2.gensynth", "-n", "5", "-o", "w.parquet", "--where", f"account={2**60 + 8}")
    assert pq.read_table("w.parquet")["account"].to_pylist() == [2**60 + 8] * 5
    outcome = run("sample", "m2.gensynth", "-n", "5", "-o", "w.parquet", "--where", f"account={2**60 + 9}")
    assert outcome.code == 2
    assert "account" in outcome.err
