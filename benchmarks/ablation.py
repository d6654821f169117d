"""What each part of a family bought: one part changed at a time, all else at its default.

Example: python benchmarks/ablation.py --data DIR --sets telco_churn,magic_gamma --groups vlae
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from bench_judge import ceiling_of, detector_name, judge
from bench_print import add_common_options, print_stamp, print_table, progress, use_threads, write_csv
from bench_sets import add_set_options, load_sets, split

Variant = tuple[str, dict[str, Any], dict[str, Any]]

GROUPS: dict[str, dict[str, Variant]] = {
    "vlae": {
        "vlae as it is": ("vlae", {}, {}),
        "encoding: 32 bins a number": ("vlae", {"max_bins": 32}, {}),
        "encoding: 8 bins a number": ("vlae", {"max_bins": 8}, {}),
        "encoding: no cosine basis over the bins": ("vlae", {}, {"gensynth.nn.tabular.ordinal_basis.MIN_CODES": 10**9}),
        "no free nats, no auxiliary decoder": ("vlae", {"free_nats": 0.0, "auxiliary_weight": 0.0}, {}),
        "no dropout": ("vlae", {"dropout": 0.0}, {}),
        "no weight decay": ("vlae", {}, {"gensynth.nn.tabular.sampling_networks.SamplingNetworks.weight_decay": 0.0}),
        "no average of the weights (EMA)": (
            "vlae",
            {},
            {"gensynth.nn.tabular.sampling_networks.SamplingNetworks.ema_decay": 0.0},
        ),
        "half the width": ("vlae", {"width": 64, "hidden": 32}, {}),
    },
    "vae": {
        "vae as it is": ("vae", {}, {}),
        "autoregression: 8 column groups": ("vae", {"column_groups": 8}, {}),
        "prior: mixture": ("vae", {"prior": "mixture"}, {}),
        "prior: flow": ("vae", {"prior": "flow"}, {}),
        "prior: N(0, I)": ("vae", {"prior": "normal"}, {}),
        "prior N(0, I), beta 1: the paper's": ("vae", {"beta": 1.0, "prior": "normal"}, {}),
        "beta 1": ("vae", {"beta": 1.0}, {}),
    },
    "wgan": {
        "wgan as it is": ("wgan", {}, {}),
        "a fifth of the run by the mean discrepancy alone": ("wgan", {"pretrain_fraction": 0.2}, {}),
        "with the mean discrepancy beside the critic": ("wgan", {"mmd_weight": 3.0}, {}),
        "two steps of the critic": ("wgan", {"n_critic": 2}, {}),
        "half the steps": ("wgan", {}, {"gensynth_gan.model.GAME_STEPS": 8_000}),
        "no correction of the marginals": ("wgan", {}, {"gensynth.nn.tabular.marginals.ROUNDS": 0}),
        "no moving average (EMA)": ("wgan", {"ema_decay": 0.0}, {}),
        "four rows judged together": ("wgan", {"pac": 4}, {}),
    },
}
"""For each group its variants: what they are called, the model, the settings and the constants that differ."""


@contextmanager
def constants(values: dict[str, Any]) -> Iterator[None]:
    """Give constants, named as module and name or module, class and name, other values for a while."""
    with ExitStack() as stack:
        for path, value in values.items():
            stack.enter_context(patch(path, value))
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_set_options(parser, "telco_churn,magic_gamma")
    parser.add_argument("--groups", default="vlae", help=f"of {', '.join(GROUPS)} (default: %(default)s)")
    parser.add_argument("--only", help="variants to run, by commas: parts of their names (default: all)")
    parser.add_argument(
        "--max-time", type=float, help="seconds of training of each (default: no limit); not on a busy machine"
    )
    parser.add_argument("--max-epochs", type=int, help="(default: chosen from the table)")
    add_common_options(parser)
    options = parser.parse_args()
    unknown = set(split(options.groups)) - set(GROUPS)
    if unknown:
        parser.error(f"no group {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    wanted = None if options.only is None else split(options.only)
    sets = load_sets(options)
    use_threads(options.threads)
    from gensynth import Synthesizer, Trainer

    print_stamp(f"detection by {detector_name()}, 3-fold")
    rows = []
    for data in sets:
        ceiling = ceiling_of(data)
        for group in split(options.groups):
            for name, (model, parameters, changed) in GROUPS[group].items():
                if wanted is not None and not any(part in name for part in wanted):
                    continue
                trainer = Trainer(max_epochs=options.max_epochs or "auto", max_time=options.max_time, progress=False)
                synthesizer = Synthesizer(model, trainer=trainer, random_state=options.seed)
                synthesizer.set_params(**{f"model__{key}": value for key, value in parameters.items()})
                cpu = time.process_time()
                with constants(changed):
                    synthesizer.fit(data.train)
                    cpu = time.process_time() - cpu
                    sample = synthesizer.sample(len(data.train))
                measured = judge(data, sample, ceiling, options.threads)
                measured.pop("levels off")
                rows.append({"set": data.name, "variant": name, "fit CPU s": cpu, **measured})
                write_csv(rows, options.csv)
                progress(f"{data.name}, {name}: {cpu:.1f} s CPU, detection {measured['detection']:.3f}")
    print()
    print_table(rows, options.csv)


if __name__ == "__main__":
    main()
