"""CPU seconds of what happens to a table before training and after sampling, step by step.

Simulated tables of several kinds, and those of a folder, if one is given, each in processes of their own; the least of
several runs counts. Another checkout of gensynth can be measured in turn with this one.

Example: python benchmarks/encoding.py --data DIR --sets adult,diamonds --against ../gensynth-before
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bench_print import add_common_options, print_stamp, print_table, progress, use_threads, write_csv
from bench_sets import find_set, load_set, split

_ROOT = Path(__file__).resolve().parents[1]
_MANY_ROWS = 300_000


def mixed(n_rows: int, seed: int) -> pd.DataFrame:
    """Return 15 columns of every kind, a tenth of the cells missing."""
    rng = np.random.default_rng(seed)
    day = pd.Timestamp("2019-01-01")
    at = day + pd.to_timedelta(rng.integers(0, 900, n_rows), "D")
    columns = {
        "age": pd.array(rng.integers(18, 90, n_rows), dtype="Int64"),
        "visits": pd.array(rng.poisson(3, n_rows), dtype="Int64"),
        "amount": np.round(np.exp(rng.normal(4, 1, n_rows)), 2),
        "height": rng.normal(170, 9, n_rows),
        "rate": np.round(rng.beta(2, 5, n_rows), 4),
        "load": np.round(rng.gamma(2.0, 10.0, n_rows), 1),
        "city": rng.choice([f"city {i}" for i in range(40)], n_rows).astype(object),
        "level": rng.choice(["low", "middle", "high"], n_rows).astype(object),
        "code": rng.choice([f"{c}{i}" for c in "ABCD" for i in range(100)], n_rows).astype(object),
        "active": pd.array(rng.random(n_rows) < 0.4, dtype="boolean"),
        "owner": pd.array(rng.random(n_rows) < 0.7, dtype="boolean"),
        "day": at,
        "moment": at + pd.to_timedelta(rng.integers(0, 86_400, n_rows), "s"),
        "born": (day - pd.to_timedelta(rng.integers(7_000, 30_000, n_rows), "D")).strftime("%d/%m/%Y").astype(object),
        "seen": at.strftime("%Y-%m-%d").astype(object),
    }
    table = pd.DataFrame(columns)
    return table.mask(rng.random(table.shape) < 0.1)


def wide(n_rows: int, n_columns: int, seed: int) -> pd.DataFrame:
    """Return many columns in turn: floats, small and large integers, categories, booleans, dates, dates in text."""
    rng = np.random.default_rng(seed)
    day = np.datetime64("2019-01-01")
    make: list[Callable[[], Any]] = [
        lambda: rng.normal(0, 1, n_rows),
        lambda: np.round(rng.gamma(2.0, 50.0, n_rows), 2),
        lambda: rng.integers(0, 60, n_rows),
        lambda: rng.integers(100_000, 1_000_000, n_rows),
        lambda: rng.choice(["a", "b", "c", "d", "e"], n_rows).astype(object),
        lambda: rng.random(n_rows) < 0.3,
        lambda: (day + rng.integers(0, 900, n_rows)).astype("M8[s]"),
        lambda: np.datetime_as_string(day + rng.integers(0, 900, n_rows)).astype(object),
        lambda: np.where(rng.random(n_rows) < 0.1, np.nan, np.round(rng.normal(20, 5, n_rows), 1)),
        lambda: rng.choice([f"k{i}" for i in range(100)], n_rows).astype(object),
    ]
    return pd.DataFrame({f"c{i}": make[i % len(make)]() for i in range(n_columns)})


def texts(n_rows: int, seed: int) -> pd.DataFrame:
    """Return columns of text that hardly repeats: codes, names, sentences; and one number."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    number = rng.permutation(26 * 26 * 1000)[:n_rows]
    heads = np.char.add(letters[number // 26_000], letters[number // 1000 % 26])
    syllables = np.array([c + v for c in "bcdfghjklmnprstvwxz" for v in "aeiou"])
    names = ["".join(syllables[row]).capitalize() for row in rng.integers(0, len(syllables), (n_rows, 3))]
    words = np.array(["the", "order", "was", "late", "and", "box", "arrived", "open", "but", "client", "soon"])
    return pd.DataFrame(
        {
            "code": np.char.add(heads, np.char.zfill((number % 1000).astype(str), 3)).astype(object),
            "name": np.array(names, dtype=object),
            "note": np.array([" ".join(words[row]) for row in rng.integers(0, len(words), (n_rows, 8))], dtype=object),
            "x": rng.normal(size=n_rows),
        }
    )


def repeated(table: pd.DataFrame, n_rows: int, seed: int) -> pd.DataFrame:
    """Return the rows again and again, floats with a small jitter that keeps their decimals."""
    rng = np.random.default_rng(seed)
    out = table.iloc[np.arange(n_rows) % len(table)].reset_index(drop=True)
    for name in out.select_dtypes(np.floating):
        step = 0.01 * out[name].std()
        decimals = 4 if not step else max(0, 2 - int(np.floor(np.log10(step))))
        out[name] = (out[name] + rng.normal(0, step, n_rows)).round(decimals)
    return out


def simulated(name: str, seed: int) -> pd.DataFrame:
    """Return the table that an option names."""
    kind, _, rest = name.partition(":")
    sizes = [int(part) for part in rest.split("x")]
    makers: dict[str, Callable[..., pd.DataFrame]] = {"mixed": mixed, "wide": wide, "texts": texts}
    return makers[kind](*sizes, seed)


def measure(file: Path, n_decoded: int) -> dict[str, float]:
    """Return CPU seconds of every step for one table; runs in a process of its own."""
    import torch

    from gensynth.encoding.table import TableEncoder
    from gensynth.layout import Encoding
    from gensynth.schema import TableSchema
    from gensynth.tables.files import read_table

    torch.set_num_threads(1)
    seconds: dict[str, float] = {}

    def timed(step: str, work: Callable[[], Any], repeats: int = 1) -> Any:
        for _ in range(repeats):
            began = time.process_time()
            done = work()
            took = time.process_time() - began
            seconds[step] = min(took, seconds.get(step, took))
        return done

    small = TableSchema.infer(pd.DataFrame({"x": [1.5, 2.25, 3.0], "y": ["a", "b", "a"]}))  # imports what is needed
    TableEncoder(small, Encoding()).fit(pd.DataFrame({"x": [1.5, 2.25, 3.0], "y": ["a", "b", "a"]}))
    if file.with_suffix(".csv").exists():
        timed("read csv", lambda: read_table(file.with_suffix(".csv")))
    timed("read parquet", lambda: read_table(file))
    table = pd.read_parquet(file)
    schema = timed("infer", lambda: TableSchema.infer(table))
    repeats = 3 if table.size < 5e6 else 1
    frame = timed("align", lambda: schema.align(table), repeats)
    more: dict[str, Any] = {"relations": "auto"} if "relations" in inspect.signature(TableEncoder).parameters else {}
    encoder = timed("fit", lambda: TableEncoder(schema, Encoding(), **more).fit(frame))
    timed("encode", lambda: encoder.encode(frame), repeats)
    rows = encoder.encode(frame.iloc[:n_decoded])
    timed("decode", lambda: encoder.decode(rows, np.random.default_rng(0)), repeats)
    return seconds


def in_turn(file: Path, checkouts: list[Path], options: argparse.Namespace) -> list[dict[str, float]]:
    """Return the least seconds of each checkout, whose runs follow each other in turn."""
    least: list[dict[str, float]] = [{} for _ in checkouts]
    for _ in range(options.repeats):
        for own, root in zip(least, checkouts, strict=True):
            command = [sys.executable, str(Path(__file__).resolve()), "--cell", str(file)]
            paths = os.pathsep.join(map(str, (root, root / "plugins")))
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths}
            )
            if done.returncode != 0:
                raise SystemExit(f"{file.stem} with {root} failed:\n{done.stderr[-2000:]}")
            for step, took in json.loads(done.stdout.splitlines()[-1]).items():
                own[step] = min(took, own.get(step, took))
    return least


def row_of(name: str, table: pd.DataFrame, least: list[dict[str, float]]) -> dict[str, Any]:
    """Return one row of the table that is printed."""
    row: dict[str, Any] = {"table": name, "rows": len(table), "columns": table.shape[1]}
    for step, took in least[0].items():
        before = "" if len(least) == 1 else f"{least[1].get(step, float('nan')):.2f} -> "
        row[step] = f"{before}{took:.2f}"
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("GENSYNTH_DATA"), metavar="DIR",
                        help="folder of tables, as of the other benchmarks (default: $GENSYNTH_DATA)")  # fmt: skip
    parser.add_argument("--sets", default="", help="subfolders of it, separated by commas (default: none)")
    parser.add_argument("--repeated", default="", help="subfolders whose rows are repeated, with a jitter, to 300,000")
    parser.add_argument(
        "--simulated",
        default="mixed:200000,wide:500x3000,texts:100000",
        help="kinds with rows, and of wide ones columns (default: %(default)s)",
    )
    parser.add_argument("--decoded", type=int, default=100_000, help="rows decoded, at most (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="the least of so many runs (default: %(default)s)")
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout, measured in turn: before -> now")
    parser.add_argument("--cell", type=Path, help=argparse.SUPPRESS)  # the table of a process that is started here
    add_common_options(parser)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    use_threads(1)
    if options.cell is not None:
        print(json.dumps(measure(options.cell, options.decoded)))
        return
    print_stamp(f"CPU seconds, the least of {options.repeats} runs")
    checkouts = [_ROOT] if options.against is None else [_ROOT, options.against.resolve()]
    names = [*split(options.sets), *(f"{name} repeated" for name in split(options.repeated)), *split(options.simulated)]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            source = name.removesuffix(" repeated")
            if ":" in name:
                table = simulated(name, options.seed)
            elif options.data is None:
                raise SystemExit("say where the data lies: --data DIR or the environment variable GENSYNTH_DATA")
            else:
                table = load_set(find_set(options.data, source)).train
                table = repeated(table, _MANY_ROWS, options.seed) if source != name else table
            file = Path(folder, f"{len(rows)}.parquet")
            table.to_parquet(file, index=False)
            table.to_csv(file.with_suffix(".csv"), index=False)
            rows.append(row_of(name, table, in_turn(file, checkouts, options)))
            write_csv(rows, options.csv)
            progress("; ".join(f"{key}: {value}" for key, value in rows[-1].items()))
    print()
    print_table(rows, options.csv)


if __name__ == "__main__":
    main()
