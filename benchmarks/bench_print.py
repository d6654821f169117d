"""What the benchmarks share on the way out: a stamp, a table, a CSV file, and the number of threads."""

from __future__ import annotations

import argparse
import csv
import datetime
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add --threads, --seed and --csv."""
    parser.add_argument("--threads", type=int, default=1, help="threads of every contender (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of fits and samples (default: %(default)s)")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="also write the rows of the table here")


def use_threads(n: int) -> None:
    """Let torch, scikit-learn and every process started from here use ``n`` threads."""
    os.environ.update(OMP_NUM_THREADS=str(n), MKL_NUM_THREADS=str(n), OPENBLAS_NUM_THREADS=str(n))
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(n)
    threadpool_limits(n)


def print_stamp(*notes: str) -> None:
    """Say when, of what and with what the numbers that follow were measured."""
    import torch

    import gensynth

    root = Path(__file__).resolve().parents[1]
    commit = _git(root, "rev-parse", "--short", "HEAD") or "unknown commit"
    if _git(root, "status", "--porcelain", "--untracked-files=no", "gensynth", "plugins"):
        commit += " and later changes"
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    print(f"gensynth {gensynth.__version__} ({commit}), {today}; torch {torch.__version__}, ", end="")
    print(f"Python {platform.python_version()}, {torch.get_num_threads()} thread(s) of {os.cpu_count()} cores")
    for note in notes:
        print(note)
    print(flush=True)


def print_table(rows: Sequence[Mapping[str, Any]], file: Path | None = None) -> None:
    """Print rows as a markdown table whose columns are all keys in their order; write them to a CSV ``file`` too."""
    names = _names(rows)
    cells = [[_text(row.get(name)) for name in names] for row in rows]
    widths = [max([len(name), *(len(line[j]) for line in cells)]) for j, name in enumerate(names)]
    for line in (names, ["-" * width for width in widths], *cells):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |")
    print(flush=True)
    write_csv(rows, file)


def write_csv(rows: Sequence[Mapping[str, Any]], file: Path | None) -> None:
    """Write what was measured so far, so that a long run that is broken off leaves it behind."""
    if file is not None:
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, _names(rows))
            writer.writeheader()
            writer.writerows(rows)


def progress(text: str) -> None:
    """Say on standard output what was just measured."""
    print(f"... {text}", flush=True)


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False).stdout.strip()


def _names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        if abs(value) >= 1000:
            return f"{value:,.0f}"
        return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
