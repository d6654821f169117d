"""What tests of the command line share: quick settings, a small mixed table, a folder of bad files."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

QUICK = ["-m", "vae", "--set", "trainer.max_epochs=1", "--set", "model.hidden=16,16", "--seed", "0"]
QUICK_DETECTOR = [
    *("--set", "trainer.max_epochs=2", "--set", "model.n_members=2", "--set", "model.hidden=16,16"),
    *("--seed", "0"),
]

posix = pytest.mark.skipif(os.name != "posix", reason="signals, pipes and arguments of POSIX")


def as_process(*arguments: str, before: str = "") -> list[str]:
    """Return the words that run ``gensynth`` in a process of its own, after other Python code."""
    main = "import sys; from gensynth.cli import main; sys.exit(main())"
    return [sys.executable, "-c", before + main, *arguments]


@dataclass(frozen=True)
class Outcome:
    """What a run of the command line left."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


def people(n: int = 120, seed: int = 0) -> pd.DataFrame:
    """Return a small mixed table; ``label`` is "no" for three rows of four."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "income": np.round(np.exp(rng.normal(10, 1, n)), 2),
            "sex": rng.choice(["F", "M"], n),
            "member": rng.random(n) < 0.5,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "label": np.where(np.arange(n) % 4 == 0, "yes", "no"),
        }
    )


def write_tables(folder: Path) -> None:
    good = people()
    good.to_csv(folder / "good.csv", index=False)
    good.to_parquet(folder / "good.parquet")
    text = (folder / "good.csv").read_text()
    lines = text.splitlines()
    files = {
        "empty.csv": "",
        "header.csv": lines[0] + "\n",
        "onerow.csv": "\n".join(lines[:2]) + "\n",
        "one_column.csv": "label\n" + "yes\nno\nno\n" * 20,
        "all_missing.csv": "a,b\n" + ",\n" * 30,
        "infinite.csv": "a,b\n" + "".join(f"{i},{i % 3}\n" for i in range(30)) + "inf,1\n",
        "double.csv": "a,b,a\n" + "1,2,3\n" * 10,
        "ragged.csv": "a,b\n1,2\n1,2,3,4\n",
        "quote.csv": 'a,b\n1,"2\n' + "3,4\n" * 5,
        "text_age.csv": text.replace(f"\n{lines[1].split(',')[0]},", "\nold,", 1),
        "no_sex.csv": good.drop(columns="sex").to_csv(index=False),
        "scored.csv": good.assign(score=1.0).to_csv(index=False),
        "augmented.csv": good.assign(_synthetic=False).to_csv(index=False),
        "gaps.csv": good.assign(label=good["label"].where(good.index > 3)).to_csv(index=False),
        "one_class.csv": good.assign(label="no").to_csv(index=False),
        "notes.txt": "hello\n",
        "not_gzip.csv.gz": "a,b\n1,2\n",
        "not_parquet.parquet": "a,b\n1,2\n",
    }
    for name, content in files.items():
        (folder / name).write_text(content)
    (folder / "latin.csv").write_bytes("name,x\nJosé,1\nAna,2\n".encode("latin-1"))
    (folder / "nul.csv").write_bytes(b"a,b\n1,\x002\n")
    (folder / "cut.csv.gz").write_bytes(gzip.compress(text.encode())[:200])
    good.iloc[:0].to_parquet(folder / "no_rows.parquet")
    (folder / "folder.csv").mkdir()
    (folder / "link.csv").symlink_to(folder / "good.csv")
    (folder / "device.csv").symlink_to("/dev/full")
