"""One digit of MNIST as normal images and the nine others as anomalies: AUROC of detectors, digit by digit.

    python benchmarks/image_anomaly.py FOLDER
    python benchmarks/image_anomaly.py FOLDER --models vq-vae,vae --digits 2,3,8 --csv one_digit.csv

FOLDER holds MNIST's four files. A detector, with its default settings and ``novelty=True``, is fitted to the images of
one digit among the first training images (--rows) and scores the first test images (--test), none of which it has seen.
"pca" is the squared error of 40 principal components, "pixels" the distance to the nearest training image.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from bench_print import add_common_options, print_stamp, print_table, use_threads
from images import mnist
from numpy.typing import NDArray


def anomaly_scores(model: str, normal: NDArray[Any], test: NDArray[Any], seed: int) -> NDArray[np.float64]:
    """Return a score of each test image, higher = more anomalous."""
    if model in ("pca", "pixels"):
        own, new = (images.reshape(len(images), -1) / 255.0 for images in (normal, test))
        if model == "pixels":
            from sklearn.neighbors import NearestNeighbors

            distances: NDArray[np.float64] = NearestNeighbors(n_neighbors=1).fit(own).kneighbors(new)[0][:, 0]
            return distances
        from sklearn.decomposition import PCA

        components = PCA(min(40, len(own) - 1), random_state=seed).fit(own)
        errors: NDArray[np.float64] = np.square(new - components.inverse_transform(components.transform(new))).sum(1)
        return errors
    from gensynth import AnomalyDetector

    detector = AnomalyDetector(model, novelty=True, random_state=seed).fit(normal)
    return -detector.score_samples(test)


def main() -> None:
    """Measure the detectors and print the table, then the means over the digits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", type=Path, metavar="FOLDER", help="the folder of MNIST's files")
    parser.add_argument("--models", default="pca,pixels,vq-vae", help="detectors, by commas (default: %(default)s)")
    parser.add_argument("--digits", default="0,1,2,3,4,5,6,7,8,9", help="digits that are normal, by commas")
    parser.add_argument("--rows", type=int, default=20_000, help="training images of all digits (default: %(default)s)")
    parser.add_argument("--test", type=int, default=3_000, help="test images (default: %(default)s)")
    add_common_options(parser)
    options = parser.parse_args()
    use_threads(options.threads)
    print_stamp(f"one digit of {options.rows} images as normal, {options.test} test images, seed {options.seed}")
    from sklearn.metrics import roc_auc_score

    train, test = mnist(options.mnist, options.rows)
    images, labels = test[0][: options.test], test[1][: options.test]
    rows: list[dict[str, Any]] = []
    for digit in map(int, options.digits.split(",")):
        for model in options.models.split(","):
            began = time.process_time()
            scores = anomaly_scores(model, train[0][train[1] == digit], images, options.seed)
            auroc = float(roc_auc_score(labels != digit, scores))
            rows.append({"digit": digit, "model": model, "AUROC": auroc, "CPU s": time.process_time() - began})
            print(f"... {rows[-1]}", file=sys.stderr, flush=True)
    print_table(rows, options.csv)
    for model in options.models.split(","):
        own = [row["AUROC"] for row in rows if row["model"] == model]
        print(f"{model}: mean AUROC {np.mean(own):.4f}, lowest {min(own):.4f}")


if __name__ == "__main__":
    main()
