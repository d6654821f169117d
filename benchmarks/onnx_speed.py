"""How fast an exported scorer is in onnxruntime beside the detector in Python, in batches and row by row.

Every number is the CPU time of one thread, the least of several runs in turn: ratios are what counts. Single rows are
timed beside scikit-learn's IsolationForest, of the numbers of the same rows.

Example: python benchmarks/onnx_speed.py --data DIR --sets adult --models vlae,vae,gan
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench_print import add_common_options, print_stamp, print_table, progress, use_threads
from bench_sets import DataSet, add_set_options, load_sets, model_names


def least_times(contenders: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the least CPU seconds of each contender, run in turn so that all meet the same neighbours."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats + 1):
        for name, work in contenders.items():
            began = time.process_time()
            work()
            times[name].append(time.process_time() - began)
    return {name: min(own[1:]) for name, own in times.items()}


def measure(model: str, data: DataSet, options: argparse.Namespace) -> dict[str, Any]:
    """Return one row of the table: export, batches and single rows of one family on one set."""
    from sklearn.ensemble import IsolationForest

    from gensynth import AnomalyDetector, Trainer
    from gensynth.export.feeds import feeds_of
    from gensynth.export.rounding import Rounding
    from gensynth.export.runtime import OnnxScorer

    trainer = Trainer(max_epochs=options.epochs, batch_size=128, progress=False)
    detector = AnomalyDetector(model, trainer=trainer, random_state=options.seed).fit(data.train)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scorer.onnx"
        began = time.process_time()
        detector.to_onnx(path, check=0)
        export = time.process_time() - began
        scorer, size = OnnxScorer.load(path), path.stat().st_size
    batch = data.test.sample(options.batch, replace=len(data.test) < options.batch, random_state=0, ignore_index=True)
    one, metadata = batch.head(1), scorer.metadata
    feeds = feeds_of(batch, metadata.schema, metadata.inputs)
    single = {name: cells[:1] for name, cells in feeds.items()}
    found = scorer.session.run(feeds)["score"]
    difference = Rounding().differences(found, detector.score_samples(batch)).max()
    numbers = batch.select_dtypes("number").fillna(0.0).to_numpy()
    forest = IsolationForest(random_state=0).fit(numbers)
    whole = least_times(
        {"python": lambda: detector.score_samples(batch), "onnx": lambda: scorer.session.run(feeds)}, options.repeats
    )
    rows = least_times(
        {
            "python": lambda: detector.score_samples(one),
            "onnx": lambda: scorer.session.run(single),
            "forest": lambda: forest.score_samples(numbers[:1]),
        },
        20 * options.repeats,
    )
    progress(f"{model} on {data.name}")
    return {
        "set": data.name,
        "model": model,
        "export s": export,
        "MB": size / 1e6,
        "difference": f"{difference:.0e}",
        "rows/s python": options.batch / whole["python"],
        "rows/s onnx": options.batch / whole["onnx"],
        "ratio": whole["python"] / whole["onnx"],
        "one row us python": 1e6 * rows["python"],
        "one row us onnx": 1e6 * rows["onnx"],
        "one row us forest": 1e6 * rows["forest"],
        "one row ratio": rows["python"] / rows["onnx"],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_set_options(parser, "adult")
    parser.add_argument("--models", default="vlae,vae,gan", help="families, or all (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=1, help="of the detectors' training (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=4096, help="rows of a batch (default: %(default)s)")
    parser.add_argument(
        "--repeats", type=int, default=3, help="runs of which the fastest counts (default: %(default)s)"
    )
    add_common_options(parser)
    options = parser.parse_args()
    sets = load_sets(options)
    use_threads(options.threads)
    import onnxruntime

    print_stamp(f"onnxruntime {onnxruntime.__version__}; CPU seconds of one thread, batches of {options.batch} rows")
    warnings.simplefilter("ignore")
    print_table([measure(m, data, options) for data in sets for m in model_names(options.models)], options.csv)


if __name__ == "__main__":
    main()
