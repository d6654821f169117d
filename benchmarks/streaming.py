"""Peak memory and rows a second of the commands on a table that is read in batches.

    python benchmarks/streaming.py --rows 1000000
    python benchmarks/streaming.py --rows 10000000 --commands score sample fit --folder /tmp/big
    python benchmarks/streaming.py --rows 60000 --images 28x28 --model vae
    python benchmarks/streaming.py --rows 20000 --images 64x64x3 --model vae --memory-rows 2000 --max-time 60

A table of 15 columns (numbers, categories, dates, an identifier; some cells missing) is made in Parquet files of a
million rows; with ``--images`` a folder of PNG files of soft discs, in folders by their size. Each command runs in a
process of its own, whose peak resident memory the system tells (`os.wait4`).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

PART = 1_000_000
FIT = ["--set", "trainer.max_epochs=1", "--set", "trainer.progress=False", "--seed", "0"]
IMAGES = ["--set", "trainer.batch_size=64"]  # a step on large batches of large images would take the most memory
COMMANDS = ("score", "sample", "impute", "fit", "detect")


def make_part(folder: Path, number: int, n: int) -> None:
    """Write one part of the table."""
    rng = np.random.default_rng(number)
    group = rng.integers(0, 5, n)
    columns: dict[str, object] = {f"x{i}": (rng.normal(size=n) * (i + 1) + group).round(4) for i in range(6)}
    columns["gap"] = np.where(rng.random(n) < 0.05, np.nan, rng.exponential(10, n).round(2))
    columns["count"] = rng.poisson(3 + group)
    columns["wide"] = rng.integers(0, 1_000_000, n)
    columns["group"] = np.array([f"group {i}" for i in range(5)])[group]
    columns["town"] = np.array([f"town {i:03}" for i in range(300)])[np.minimum(rng.geometric(0.02, n), 300) - 1]
    columns["code"] = np.array(list("ABCDEFGH"))[rng.integers(0, 8, n)]
    columns["flag"] = rng.random(n) < 0.3
    columns["day"] = pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 3650, n), unit="D")
    columns["id"] = [f"K{value:09}" for value in number * PART * 10 + np.arange(n) * 7 + rng.integers(0, 7, n)]
    pd.DataFrame(columns).to_parquet(folder / f"{number:03}.parquet", row_group_size=100_000)


def make_images(folder: Path, n: int, shape: tuple[int, ...]) -> None:
    """Write n images of a soft disc on a dark noisy ground, in folders by the disc's size: small, middle or large."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: shape[0], : shape[1]]
    names = ("small", "middle", "large")
    for name in names:
        (folder / name).mkdir(parents=True)
    for i in range(n):
        size = int(rng.integers(3))
        radius = min(shape[:2]) * (0.12 + 0.08 * size)
        distance = np.hypot(y - rng.uniform(radius, shape[0] - radius), x - rng.uniform(radius, shape[1] - radius))
        ink = 1.0 / (1.0 + np.exp(2.0 * (distance - radius)))
        light = rng.uniform(100, 230, shape[2:]) if len(shape) == 3 else rng.uniform(150, 230)
        image = (ink[..., None] if len(shape) == 3 else ink) * light + rng.uniform(0, 25, shape)
        Image.fromarray(image.astype(np.uint8)).save(folder / names[size] / f"{i:06}.png", compress_level=1)


def measured(name: str, rows: int, arguments: list[str]) -> None:
    """Run a command; print its peak memory and speed."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "gensynth", *arguments], stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        print(f"{name:>8}: failed\n{said}", flush=True)
        return
    print(
        f"{name:>8}: {usage.ru_maxrss / 1e6:5.2f} GB at most, {rows / seconds:10,.0f} rows/s, {seconds:8.1f} s, "
        f"{usage.ru_utime + usage.ru_stime:8.1f} CPU s",
        flush=True,
    )


def made(place: Path, n: int, images: str | None) -> tuple[Path, Path, int]:
    """Return the folder of n rows, and one of few of them, and how many; both are made where they are not there yet."""
    kind = "table" if images is None else f"images-{images}"
    table, small, n_small = place / f"{kind}-{n}", place / f"{kind}-small", 20_000 if images is None else 500
    for folder, rows in ((table, n), (small, n_small)):
        if folder.exists():
            continue
        folder.mkdir(parents=True)
        if images is not None:
            make_images(folder, rows, tuple(map(int, images.split("x"))))
            continue
        for number in range(-(-rows // PART)):
            make_part(folder, number, min(PART, rows - number * PART))
    return table, small, n_small


def main() -> None:
    """Make the table and run the commands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--model", default="vlae")
    parser.add_argument("--commands", nargs="+", default=list(COMMANDS), choices=COMMANDS)
    parser.add_argument("--max-time", type=float, default=600, help="of training, in seconds (default: 600)")
    parser.add_argument("--images", default=None, help="rows are images of this shape: 28x28, or 64x64x3")
    parser.add_argument("--memory-rows", type=int, default=None, help="as for gensynth fit (default: its own)")
    parser.add_argument("--fit-rows", type=int, default=50_000, help="as for gensynth detect (default: 50,000)")
    parser.add_argument("--folder", type=Path, default=None, help="where tables are kept (default: a temporary one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place: Path = options.folder or Path(temporary)
        table, small, n_small = made(place, options.rows, options.images)
        n = options.rows
        out = Path(tempfile.mkdtemp(dir=place))
        model = out / "small.gensynth"
        measured("(small)", n_small, ["fit", str(small), "-o", str(model), "-m", options.model, *FIT])
        fit = FIT if options.images is None else [*FIT, *IMAGES]
        limit = ["--max-time", f"{options.max_time:g}"]
        memory = [] if options.memory_rows is None else ["--memory-rows", str(options.memory_rows)]
        runs = {
            "score": ["score", str(model), str(table), "-o", f"{out}/scored/"],
            "sample": ["sample", str(model), "-n", str(n), "-o", f"{out}/sampled/"],
            "impute": ["impute", str(model), str(table), "-o", f"{out}/imputed/"],
            "fit": ["fit", str(table), "-o", f"{out}/large.gensynth", "-m", options.model, *fit, *limit, *memory],
            "detect": ["detect", str(table), "-o", f"{out}/found/", "--fit-rows", str(options.fit_rows), *fit, *limit],
        }
        what = "rows of 15 columns" if options.images is None else f"images of {options.images}"
        print(f"{n:,} {what}, {options.model}", flush=True)
        for name in options.commands:
            if options.images is None or name != "impute":
                measured(name, n, runs[name])


if __name__ == "__main__":
    main()
