"""Time against quality: what each `max_time` really takes, and how easily its sample is detected.

Example: python benchmarks/budget.py --data DIR --sets telco_churn --model vlae --seconds 5,10,20,40
"""

from __future__ import annotations

import argparse
import time

from bench_judge import detect, detector_name
from bench_print import add_common_options, print_stamp, print_table, progress, use_threads, write_csv
from bench_sets import add_set_options, load_sets, split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_set_options(parser, "adult")
    parser.add_argument("--model", default="vlae", help="a name that `gensynth models` lists (default: %(default)s)")
    parser.add_argument(
        "--seconds", default="5,10,20,40,80", help="values of max_time, by commas (default: %(default)s)"
    )
    add_common_options(parser)
    options = parser.parse_args()
    sets = load_sets(options)
    use_threads(options.threads)
    from gensynth import Synthesizer, Trainer
    from gensynth.metrics import fidelity

    print_stamp(f"detection by {detector_name()}, 3-fold; training s against max_time; fit s holds the encoding too")
    rows = []
    for data in sets:
        for seconds in map(float, split(options.seconds)):
            trainer = Trainer(max_time=seconds, progress=False)
            wall, cpu = time.perf_counter(), time.process_time()
            synthesizer = Synthesizer(options.model, trainer=trainer, random_state=options.seed).fit(data.train)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            history = synthesizer.history_
            sample = synthesizer.sample(len(data.train))
            found = fidelity(data.train, sample)
            rows.append(
                {
                    "set": data.name,
                    "model": options.model,
                    "max_time": seconds,
                    "training s": float(history["seconds"].max()),
                    "fit s": wall,
                    "fit CPU s": cpu,
                    "steps": int(history.groupby("stage", sort=False)["step"].max().sum()),
                    "shape": found.shape_error,
                    "trend": found.trend_error,
                    "detection": detect(data.train, sample, options.threads),
                }
            )
            write_csv(rows, options.csv)
            progress(f"{data.name}, {seconds:g} s: took {wall:.1f} s, detection {rows[-1]['detection']:.3f}")
    print()
    print_table(rows, options.csv)


if __name__ == "__main__":
    main()
