"""Quality and time of every family on images of digits, beside a distribution without a network, in one run.

    python benchmarks/images.py
    python benchmarks/images.py --mnist FOLDER --rows 10000 --models cgan,vlae --max-time 600
    python benchmarks/images.py --max-epochs 100 --grids docs/images/gallery

Without --mnist the images are scikit-learn's digits (8 x 8). MNIST's four files are read from a folder. ``frechet`` is
the distance of random convolutional features of 2,000 images to held-out ones, in units of that between real training
images and held-out ones; ``asked`` is the share of images that a classifier trained on real ones gives the class that
was asked for, ``TSTR`` the accuracy on real held-out images of a classifier trained on the new ones (``TRTR``: on real
ones).
--grids writes a picture of the first new ones of each class, FAMILY.png.
--judge runs another script, ``python SCRIPT DATA SAMPLES.npz``, on the same samples (x, y), and prints what it says.
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from bench_print import add_common_options, print_stamp, print_table, use_threads
from numpy.typing import NDArray

FAMILIES = "vae,beta-vae,vq-vae,nvae,vlae,gan,wgan,lsgan,dragan,cgan"
JUDGED = 2_000

Images = tuple[NDArray[Any], NDArray[np.int64]]


def digits() -> tuple[Images, Images]:
    """Return training and held-out images of scikit-learn, with their classes."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.images))
    cut = len(order) * 4 // 5
    parts = [(data.images[some], data.target[some]) for some in (order[:cut], order[cut:])]
    return parts[0], parts[1]


def mnist(folder: Path, rows: int) -> tuple[Images, Images]:
    """Return the first training images and all test images of MNIST's files."""

    def read(name: str, skip: int) -> NDArray[np.uint8]:
        return np.frombuffer(gzip.decompress((folder / f"{name}-ubyte.gz").read_bytes()), np.uint8, offset=skip)

    parts = [
        (read(f"{part}-images-idx3", 16).reshape(-1, 28, 28), read(f"{part}-labels-idx1", 8).astype(np.int64))
        for part in ("train", "t10k")
    ]
    return (parts[0][0][:rows], parts[0][1][:rows]), parts[1]


def normal_a_class(train: Images, n: int, seed: int) -> Images:
    """Draw from a normal distribution of each class over 32 principal components."""
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(seed)
    flat = train[0].reshape(len(train[0]), -1).astype(float)
    components = PCA(min(32, *flat.shape), random_state=seed).fit(flat)
    latents, asked = components.transform(flat), np.arange(n) % 10
    new = np.empty((n, flat.shape[1]))
    for label in range(10):
        own, here = latents[train[1] == label], asked == label
        drawn = rng.multivariate_normal(own.mean(0), np.cov(own.T), here.sum())
        new[here] = components.inverse_transform(drawn)
    return new.clip(0, train[0].max()).reshape(n, *train[0].shape[1:]), asked


def fit_and_sample(model: str, train: Images, n: int, options: argparse.Namespace) -> tuple[Images, dict[str, float]]:
    """Return new images with their classes, and the seconds that it took; as many of each class, if it can be asked."""
    from gensynth import Synthesizer, Trainer

    trainer = Trainer(max_epochs=options.max_epochs or "auto", max_time=options.max_time, progress=False)
    synthesizer = Synthesizer(model, trainer=trainer, random_state=options.seed)
    if model == "cgan":
        synthesizer.set_params(condition_on="label")
    began = time.process_time()
    synthesizer.fit(*train)
    fitted = time.process_time()
    given: dict[str, Any] = {}
    if "conditional" in synthesizer.recipe_.able or model == "cgan":
        import pandas as pd

        given = {"conditions": pd.DataFrame({"label": np.arange(n) % 10})}
    new = synthesizer.sample(n, **given)
    times = {"fit CPU s": fitted - began, "images/s": n / (time.process_time() - fitted)}
    return (np.stack(list(new["image"])), new["label"].to_numpy().astype(np.int64)), times


def measures(new: Images, train: Images, test: Images) -> dict[str, float]:
    """Return what `frechet`, `asked` and `TSTR` of the module's first lines are."""
    import torch
    from sklearn.neighbors import KNeighborsClassifier

    from gensynth.layout import ImageLayout
    from gensynth.nn.image.features import RandomFeatures, frechet_distance

    high = float(train[0].max())

    def tensor(images: NDArray[Any]) -> torch.Tensor:
        return torch.tensor(images[:JUDGED] / high, dtype=torch.float32).unsqueeze(1)

    features = RandomFeatures(ImageLayout(1, *train[0].shape[1:]))
    features.fit(tensor(train[0]))
    real = features(tensor(test[0]))
    floor = float(frechet_distance(features(tensor(train[0])), real))

    def classifier(images: Images) -> Any:
        return KNeighborsClassifier(3).fit(features(tensor(images[0])).numpy(), images[1][:JUDGED])

    trained = classifier(train)
    return {
        "frechet": float(frechet_distance(features(tensor(new[0])), real)) / floor,
        "asked": trained.score(features(tensor(new[0])).numpy(), new[1][:JUDGED]),
        "TSTR": classifier(new).score(real.numpy(), test[1][:JUDGED]),
        "TRTR": trained.score(real.numpy(), test[1][:JUDGED]),
    }


def write_grid(new: Images, path: Path) -> None:
    """Write the first twelve images of each class, a row for each."""
    from gensynth.report.grids import image_grid

    path.parent.mkdir(parents=True, exist_ok=True)
    some = np.concatenate([np.flatnonzero(new[1] == label)[:12] for label in range(10)])
    image_grid(new[0][some], columns=12).convert("L").quantize(16).save(path, optimize=True)


def main() -> None:
    """Measure the families and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=FAMILIES, help="families, by commas (default: all ten)")
    parser.add_argument("--mnist", type=Path, metavar="FOLDER", help="the folder of MNIST's files")
    parser.add_argument("--rows", type=int, default=10_000, help="training images of MNIST (default: %(default)s)")
    parser.add_argument("--samples", type=int, default=2_000, help="new images (default: %(default)s)")
    parser.add_argument("--max-time", type=float, help="seconds of each fit (default: what the family takes)")
    parser.add_argument("--max-epochs", type=int, help="epochs of each fit (default: what the family takes)")
    parser.add_argument("--grids", type=Path, metavar="FOLDER", help="where to write pictures of the new images")
    parser.add_argument("--judge", nargs=2, metavar=("SCRIPT", "DATA"), help="another judge, and its real data")
    add_common_options(parser)
    options = parser.parse_args()
    use_threads(options.threads)
    print_stamp(f"images of digits, seed {options.seed}, {options.samples} new ones")
    train, test = mnist(options.mnist, options.rows) if options.mnist else digits()
    rows: list[dict[str, Any]] = []
    for model in ["normal a class", "real", *options.models.split(",")]:
        times: dict[str, float] = {}
        if model == "real":
            new: Images = train[0][: options.samples], train[1][: options.samples]
        elif model == "normal a class":
            new = normal_a_class(train, options.samples, options.seed)
        else:
            new, times = fit_and_sample(model, train, options.samples, options)
        rows.append({"model": model, **times, **measures(new, train, test)})
        print(f"... {rows[-1]}", file=sys.stderr, flush=True)
        if options.grids:
            write_grid(new, options.grids / f"{model.replace(' ', '_')}.png")
        if options.judge:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / f"{model.replace(' ', '_')}.npz"
                np.savez(file, x=(new[0] / train[0].max()).astype(np.float32), y=new[1])
                subprocess.run([sys.executable, *options.judge, str(file)], check=True)
    print_table(rows, options.csv)


if __name__ == "__main__":
    main()
