"""Where the tables of a benchmark come from: folders of parquet files, or a simulation."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class DataSet:
    """Rows to learn, rows held back, and the column that is to be predicted."""

    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    target: str


def add_set_options(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --data, --sets, --target and --rows."""
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("GENSYNTH_DATA"),
        metavar="DIR",
        help="folder of the sets, one subfolder each (in DIR or DIR/tabular): train.parquet and test.parquet, or one "
        "parquet file, which is split 70/30; meta.json may name the target. Default: $GENSYNTH_DATA",
    )
    parser.add_argument("--sets", default=default, help="subfolders, separated by commas (default: %(default)s)")
    parser.add_argument("--target", help="column to predict, where meta.json names none (else the last column)")
    parser.add_argument("--rows", type=int, help="learn at most so many rows of each set")


def load_sets(options: argparse.Namespace) -> list[DataSet]:
    """Return the sets that the options name, or leave with a message."""
    if options.data is None:
        raise SystemExit("say where the data lies: --data DIR or the environment variable GENSYNTH_DATA")
    return [load_set(find_set(Path(options.data), name), options.target, options.rows) for name in split(options.sets)]


def add_image_option(parser: argparse.ArgumentParser) -> None:
    """Add --images."""
    parser.add_argument(
        "--images", help="images in place of tables, by commas: digits, or folders of MNIST's files (the first --rows)"
    )


def image_sets(options: argparse.Namespace) -> list[DataSet]:
    """Return sets of images with their labels; of 10,000 images at most where --rows says nothing."""
    from images import digits, mnist

    sets = []
    for name in split(options.images):
        folder = Path(name)
        parts = digits() if name == "digits" else mnist(folder, options.rows or 10_000)
        train, test = (pd.DataFrame({"image": list(images), "label": labels}) for images, labels in parts)
        sets.append(DataSet(folder.name, train, test, "label"))
    return sets


def model_names(text: str) -> list[str]:
    """Return the names in a list separated by commas; "all" for gensynth's own."""
    if text != "all":
        return split(text)
    from gensynth.registry import default_registry

    return [entry.spec.name for entry in default_registry().models() if entry.distribution == "gensynth"]


def split(text: str) -> list[str]:
    """Return the parts of a list separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def find_set(folder: Path, name: str) -> Path:
    """Return the folder of the set ``name`` in ``folder`` or ``folder``/tabular."""
    for candidate in (folder / name, folder / "tabular" / name):
        if candidate.is_dir():
            return candidate
    raise SystemExit(f"there is no folder {name} in {folder} or {folder / 'tabular'}")


def load_set(folder: Path, target: str | None = None, rows: int | None = None) -> DataSet:
    """Read one folder; at most ``rows`` rows to learn."""
    described = folder / "meta.json"
    if described.exists():
        target = json.loads(described.read_text()).get("target", target)
    if (folder / "train.parquet").exists():
        train, test = pd.read_parquet(folder / "train.parquet"), pd.read_parquet(folder / "test.parquet")
    else:
        files = sorted(folder.glob("*.parquet"))
        if len(files) != 1:
            raise SystemExit(f"{folder} must hold train.parquet and test.parquet, or one parquet file")
        table = pd.read_parquet(files[0]).sample(frac=1.0, random_state=0, ignore_index=True)
        train, test = table[: round(0.7 * len(table))], table[round(0.7 * len(table)) :].reset_index(drop=True)
    if target is not None and target not in train.columns:
        raise SystemExit(f"{folder}: the target {target!r} is not a column")
    if rows is not None and rows < len(train):
        train = train.sample(rows, random_state=0, ignore_index=True)
    return DataSet(folder.name, train, test, target if target is not None else str(train.columns[-1]))


def simulate(n_rows: int, n_columns: int, levels: int = 0, seed: int = 0) -> pd.DataFrame:
    """Return a mixed table: half numbers, a quarter integers, a quarter categories of 2 to 50 levels.

    All columns depend on four common factors. ``levels`` > 0 adds a column with so many levels, of which the
    commoner ones occur like 1 / rank.
    """
    rng = np.random.default_rng(seed)
    factors = rng.standard_normal((n_rows, 4)).astype(np.float32)
    columns: dict[str, object] = {}
    for j in range(n_columns):
        x = factors @ rng.standard_normal(4).astype(np.float32) + rng.standard_normal(n_rows).astype(np.float32)
        if j % 4 < 2:
            columns[f"number {j}"] = np.exp(x / 2) if j % 4 else x.astype(np.float64)
        elif j % 4 == 2:
            columns[f"integer {j}"] = np.round(10 * x).astype(np.int64)
        else:
            size = int(rng.integers(2, 51))
            place = np.clip((x / 6 + 0.5) * size, 0, size - 1).astype(np.int64)
            labels = pd.Index([f"level {k}" for k in range(size)])
            columns[f"category {j}"] = pd.Categorical.from_codes(place, labels)
    if levels:
        share = 1.0 / np.arange(1, levels + 1)
        drawn = rng.choice(levels, n_rows, p=share / share.sum())
        drawn[: min(levels, n_rows)] = rng.permutation(levels)[:n_rows]  # every level occurs
        columns["many levels"] = np.char.add("key ", drawn.astype(str)).astype(object)
    return pd.DataFrame(columns)
