"""How near training comes to the rate of its own products and convolutions, and how many rows a second are sampled.

The products of one training step, forward and backward, are noted while they run; then only they are done again, at
the same shapes. The ratio of the two rates says what everything else costs (bar: 75 %).

Example: python benchmarks/speed.py --data DIR --sets adult --models vlae,vae,wgan
         python benchmarks/speed.py --images digits,FOLDER --what training
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench_print import add_common_options, print_stamp, print_table, progress, use_threads
from bench_sets import DataSet, add_image_option, add_set_options, image_sets, load_sets, model_names, split

if TYPE_CHECKING:
    from bench_steps import ProductTrace, Steps


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def compare(steps: Steps, trace: ProductTrace, n_turns: int, repeats: int) -> tuple[float, float]:
    """Return the median CPU seconds of ``n_turns`` turns of training, and of the same turns of products alone."""
    replay = trace.replay()
    replay()
    whole, bare = [], []
    for _ in range(repeats):  # in turn, so that both meet the same neighbours on the machine
        whole.append(cpu_seconds(lambda: steps.take(n_turns * steps.cycle)))
        bare.append(cpu_seconds(lambda: [replay() for _ in range(n_turns)]))
    return statistics.median(whole), statistics.median(bare)


def training_rows(model: str, data: DataSet, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return one row a stage: the rate of training, that of its products alone, and their ratio."""
    from bench_steps import ProductTrace, Steps, prepare

    from gensynth.model import Stage

    prepared = prepare(data.train, model, options.seed, data.target if model == "cgan" else None)
    rows = []
    for stage in prepared.model.stages():
        if not isinstance(stage, Stage):
            continue
        steps = Steps(prepared, stage, options.seed)
        steps.take(3 * steps.cycle)  # the first steps also make what later ones only use
        trace = ProductTrace()
        with trace:
            steps.take(steps.cycle)
        turns = max(1, options.steps // steps.cycle)
        training, products = compare(steps, trace, turns, options.repeats)
        rows.append(
            {
                "set": data.name,
                "model": model,
                "stage": stage.name,
                "batch": prepared.batch_size,
                "products a step": round(len(trace.products) / steps.cycle),
                "MFLOP a step": trace.flops / steps.cycle / 1e6,
                "training steps/s": turns * steps.cycle / training,
                "products steps/s": turns * steps.cycle / products,
                "training GFLOP/s": turns * trace.flops / training / 1e9,
                "products GFLOP/s": turns * trace.flops / products / 1e9,
                "ratio": products / training,
            }
        )
        progress(f"{data.name}, {model}, {stage.name}: {products / training:.0%} of the bare products")
    return rows


def sampling_row(model: str, data: DataSet, options: argparse.Namespace) -> dict[str, Any]:
    """Return rows a second of `Synthesizer.sample`, which ends with a DataFrame."""
    from gensynth import Synthesizer, Trainer
    from gensynth.registry import default_registry

    synthesizer = Synthesizer(model, trainer=Trainer(max_epochs=1, progress=False), random_state=options.seed)
    if model == "cgan":
        synthesizer.set_params(condition_on=data.target)
    label = model
    if options.column_groups is not None and hasattr(default_registry().recipe(model), "column_groups"):
        synthesizer.set_params(model__column_groups=options.column_groups)
        label = f"{model}, column_groups={options.column_groups}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one epoch is no training, and a model may say so
        synthesizer.fit(data.train)
    synthesizer.sample(1000)
    cpu, wall = [], []
    for _ in range(options.repeats):
        began = time.perf_counter()
        cpu.append(cpu_seconds(lambda: synthesizer.sample(options.samples)))
        wall.append(time.perf_counter() - began)
    encoded = statistics.median(cpu)
    row = {
        "set": data.name,
        "model": label,
        "rows": options.samples,
        "rows/s (CPU time)": round(options.samples / encoded),
        "rows/s (wall time)": round(options.samples / statistics.median(wall)),
    }
    progress(f"{data.name}, {label}: {row['rows/s (CPU time)']:,} rows/s")
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_set_options(parser, "adult")
    parser.add_argument(
        "--models",
        default="all",
        help="names that `gensynth models` lists, or all (default: %(default)s)",
    )
    add_image_option(parser)
    parser.add_argument("--what", default="training,sampling", help="(default: %(default)s)")
    parser.add_argument("--steps", type=int, default=20, help="training steps timed at once (default: %(default)s)")
    parser.add_argument("--samples", type=int, default=50_000, help="rows drawn (default: %(default)s)")
    parser.add_argument(
        "--column-groups", type=int, help="autoregressive steps, of the families that have them (default: their own)"
    )
    parser.add_argument("--repeats", type=int, default=5, help="the median of so many counts (default: %(default)s)")
    add_common_options(parser)
    options = parser.parse_args()
    wrong = set(split(options.what)) - {"training", "sampling"}
    if wrong:
        parser.error(f"--what {', '.join(sorted(wrong))}: choose of training, sampling")
    sets = image_sets(options) if options.images else load_sets(options)
    use_threads(options.threads)
    print_stamp(f"CPU time, median of {options.repeats}")
    tables = []
    if "training" in split(options.what):
        tables.append(
            [r for data in sets for m in model_names(options.models) for r in training_rows(m, data, options)]
        )
    if "sampling" in split(options.what):
        tables.append([sampling_row(m, data, options) for data in sets for m in model_names(options.models)])
    print()
    for number, rows in enumerate(tables):
        file = options.csv
        if file is not None and number:
            file = file.with_stem(f"{file.stem}-sampling")
        print_table(rows, file)


if __name__ == "__main__":
    main()
