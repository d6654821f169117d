"""Training steps a second on an accelerator, beside a plain eager loop of the same losses, and the share of its limits.

The plain loop is what one writes first: batches from a DataLoader in the host's memory, backward, clipping, torch's
AdamW, and a look at the loss in every step. The limit is the rate of large matrix products in float32 on the same
device.

Example: python benchmarks/gpu.py --data DIR --sets adult
         python benchmarks/gpu.py --images FOLDER --device cuda --models cgan,vae
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from bench_print import add_common_options, print_stamp, print_table, progress, use_threads, write_csv
from bench_sets import DataSet, add_image_option, add_set_options, image_sets, load_sets, model_names
from torch import Generator
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import DataLoader

if TYPE_CHECKING:
    from bench_steps import Prepared, Steps

    from gensynth.model import Stage

LARGE = 4096
"""Side of the matrices whose product tells the rate of the device."""


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Return how long a call takes until the device has done all of it."""
    wait(device)
    began = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - began


def wait(device: torch.device) -> None:
    """Wait for the device."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


class PlainLoop:
    """The same losses in a loop of torch's own parts.

    Parameters
    ----------
    prepared : Prepared
        Model on the device, rows on the host.
    stage : Stage
        One of the model's stages, with phases.
    device : device
        Of the model.
    seed : int
        Seed of batches and noise.
    """

    def __init__(self, prepared: Prepared, stage: Stage, device: torch.device, seed: int) -> None:
        self.prepared, self.device = prepared, device
        self.phases = [
            (phase, list(phase.parameters), torch.optim.AdamW(phase.parameters, lr=phase.optimizer.learning_rate))
            for phase in stage.phases
        ]
        self.rng, self.step = Generator(device).manual_seed(seed), 0
        order = Generator().manual_seed(seed)
        rows: Any = range(len(prepared.rows))
        self.indices = DataLoader[int](rows, prepared.batch_size, shuffle=True, drop_last=True, generator=order)
        self.batches = self.endless()

    def endless(self) -> Iterator[torch.Tensor]:
        """Yield the rows of batches, one epoch after the other."""
        while True:
            yield from self.indices

    def take(self, n: int) -> None:
        """Take n steps."""
        self.prepared.model.train()
        for _ in range(n):
            batch = self.prepared.rows[next(self.batches)].to(self.device, torch.float32)
            self.step += 1
            for phase, parameters, optimizer in self.phases:
                if self.step % phase.every:
                    continue
                optimizer.zero_grad()
                loss = phase.loss(batch, self.rng).mean()
                loss.backward()
                clip_grad_norm_(parameters, 5.0)
                optimizer.step()
                if phase.after_step is not None:
                    with torch.no_grad():
                        phase.after_step()
                float(loss.detach())


def rate_of_products(device: torch.device, side: int) -> float:
    """Return multiplications and additions a second of large products in float32."""
    a, b = torch.randn(2, side, side, device=device)
    out = a @ b
    took = statistics.median(seconds(lambda: torch.matmul(a, b, out=out), device) for _ in range(5))
    return 2.0 * side**3 / took


def rows_of(model: str, data: DataSet, options: argparse.Namespace, limit: float) -> Iterator[dict[str, Any]]:
    """Yield one row a stage."""
    from bench_steps import ProductTrace, Steps, prepare

    from gensynth.model import Stage

    device = torch.device(options.device)
    on_host = prepare(data.train, model, options.seed, data.target if model == "cgan" else None)
    on_host.model.to(device)
    prepared = replace(on_host, rows=on_host.rows.to(device, torch.float32))
    for stage in prepared.model.stages():
        if not isinstance(stage, Stage):
            continue
        own: Steps = Steps(prepared, stage, options.seed)
        plain = PlainLoop(on_host, stage, device, options.seed)
        n = own.cycle * max(1, options.steps // own.cycle)
        with ProductTrace() as trace:
            own.take(own.cycle)
        plain.take(own.cycle)
        whole, bare = [], []
        for _ in range(options.repeats):  # in turn, so that both meet the same neighbours on the machine
            whole.append(n / seconds(functools.partial(own.take, n), device))
            bare.append(n / seconds(functools.partial(plain.take, n), device))
        fast, slow = statistics.median(whole), statistics.median(bare)
        yield {
            "set": data.name,
            "model": model,
            "stage": stage.name,
            "batch": prepared.batch_size,
            "steps/s": fast,
            "plain steps/s": slow,
            "ratio": fast / slow,
            "GFLOP/s": fast * trace.flops / own.cycle / 1e9,
            "of the device": fast * trace.flops / own.cycle / limit,
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_set_options(parser, "adult")
    add_image_option(parser)
    parser.add_argument("--models", default="all", help="names that `gensynth models` lists (default: %(default)s)")
    parser.add_argument("--device", default="cuda", help="as torch names it (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=100, help="training steps timed at once (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="the median of so many counts (default: %(default)s)")
    add_common_options(parser)
    options = parser.parse_args()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error(f"--device {options.device}: torch sees no GPU; --device cpu takes the same steps on the CPU")
    sets = image_sets(options) if options.images else load_sets(options)
    use_threads(options.threads)
    device = torch.device(options.device)
    limit = rate_of_products(device, LARGE if device.type != "cpu" else 1024)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else options.device
    print_stamp(f"{name}: {limit / 1e9:,.0f} GFLOP/s in products of float32; median of {options.repeats}")
    rows: list[dict[str, Any]] = []
    for data in sets:
        for model in model_names(options.models):
            for row in rows_of(model, data, options, limit):
                rows.append(row)
                write_csv(rows, options.csv)
                progress(f"{data.name}, {model}, {row['stage']}: {row['ratio']:.2f} times the plain loop")
    print()
    print_table(rows, options.csv)


if __name__ == "__main__":
    main()
