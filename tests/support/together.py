"""One of two processes that train together, for tests: runs every case, and leaves what it found in a file."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.distributed as dist
from torch import Generator, Tensor
from toy_models import ToyModel, toy_batch, toy_layout

import gensynth.engine.inputs.encoded_stream
from gensynth import AnomalyDetector, Synthesizer, Trainer
from gensynth.batch import Batch
from gensynth.defaults import DETECTION_MODEL
from gensynth.errors import GensynthError
from gensynth.model import Fit, GenerativeModel, Phase, Stage
from gensynth.nn import ranks
from gensynth.nn.randomness import seeded
from gensynth.nn.vector_quantizer import StochasticQuantizer
from gensynth.registry import default_registry
from gensynth.tables import open_table

ROWS = 97
"""Not even: the parts of a batch are not of one size."""
QUICK: dict[str, Any] = {"progress": False, "device": "cpu", "max_epochs": 30, "batch_size": 31}


class PlainToy(ToyModel):
    """A toy that draws nothing, so that its loss on a batch is the mean over the parts of it."""

    trim: float = 0.0

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        return -self.log_likelihood(batch) + (self.extra - batch.numeric[:, 0]).square()

    def stages(self) -> tuple[Stage | Fit, ...]:
        (first,) = super().stages()
        assert isinstance(first, Stage)
        (phase,) = first.phases
        own = Phase("both", (*phase.parameters, self.extra), self.loss, phase.optimizer)
        return (Stage("codes", (own,), ema_decay=0.9, trim=self.trim),)


class Counting(PlainToy):
    """A toy whose loss changes it by the rows that it sees: a mistake, which must be seen."""

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        self.mean.add_(batch.numeric.mean())
        return super().loss(batch, rng)


def plain(kind: type[PlainToy] = PlainToy, trim: float = 0.0) -> PlainToy:
    with seeded(0):
        model = kind(toy_layout(), dropout=0.0)
    model.trim = trim
    return model


def weights(model: GenerativeModel) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def trained(trim: float = 0.0, **options: Any) -> dict[str, Any]:
    model = plain(trim=trim)
    result = Trainer(**(QUICK | options)).run(model, toy_batch(ROWS), 0)
    return {"weights": weights(model), "losses": [row["loss_both"] for row in result.history]}


def table(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    a = rng.normal(size=n).round(2)
    return pd.DataFrame({"a": a, "b": a + rng.normal(size=n).round(2), "c": rng.choice(list("xyz"), n)})


class Parted:
    """Whether anything was ever unlike in the processes, before the first one's was taken."""

    def __init__(self) -> None:
        self.found = False
        self.original: Callable[..., None] = ranks.take_from_first

    def __call__(self, tensors: Sequence[Tensor]) -> None:
        if len(tensors) > 1:
            digest = hashlib.sha256(b"".join(t.detach().contiguous().numpy().tobytes() for t in tensors)).hexdigest()
            self.found |= len(set(ranks.gathered(digest))) > 1
        self.original(tensors)


PARTED = Parted()


def watched(case: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    PARTED.found = False
    return {**case(), "parted": PARTED.found}


def counting() -> dict[str, Any]:
    model = plain(Counting)
    Trainer(**QUICK).run(model, toy_batch(ROWS), 0)
    return {"weights": weights(model)}


def family(name: str) -> dict[str, Any]:
    trainer = Trainer(**(QUICK | {"max_epochs": 2}))
    fitted = Synthesizer(name, trainer=trainer, condition_on=["c"] if name == "cgan" else None).fit(table())
    return {"weights": weights(fitted.model_), "seed": fitted.seed_}


def detector(name: str) -> dict[str, Any]:
    trainer = Trainer(**(QUICK | {"max_epochs": 3}))
    fitted = AnomalyDetector(name, novelty=name == "vq-vae", trainer=trainer, density=False).fit(table())
    return {"weights": weights(fitted.estimators_[0].model), "scores": fitted.decision_scores_.tolist()}


def stream(folder: Path) -> dict[str, Any]:
    encoded, original = [0], gensynth.engine.inputs.encoded_stream._encode

    def counted(*arguments: Any) -> Any:
        encoded[0] += 1
        return original(*arguments)

    setattr(gensynth.engine.inputs.encoded_stream, "_encode", counted)  # noqa: B010
    trainer = Trainer(**(QUICK | {"max_epochs": 2}))
    fitted = Synthesizer("vae", trainer=trainer).fit(open_table(folder / "table.parquet"), memory_rows=60)
    return {"weights": weights(fitted.model_), "encoded": encoded[0]}


def checkpoint(folder: Path) -> dict[str, Any]:
    """Train to the end, and again from a checkpoint of the middle, which only the first process can read."""
    path, middle = folder / f"whole{ranks.rank()}.ckpt", folder / f"middle{ranks.rank()}.ckpt"

    def keep(_: Any) -> None:
        if path.exists() and not middle.exists():
            shutil.copy(path, middle)

    def run(path: Path, *, resume: bool, callbacks: list[Any]) -> dict[str, Tensor]:
        with seeded(0):
            model = ToyModel(toy_layout(), two_stages=True)
        trainer = Trainer(**(QUICK | {"max_epochs": 100, "patience": 999}), checkpoint=path, callbacks=callbacks)
        trainer.run(model, toy_batch(ROWS), 0, resume=resume)
        return weights(model)

    whole = run(path, resume=False, callbacks=[keep])
    wrote = path.exists()
    again = run(middle, resume=True, callbacks=[])
    return {"weights": whole, "again": again, "wrote": wrote, "read": middle.exists()}


def limited() -> dict[str, Any]:
    model = plain()
    options = QUICK | {"max_time": 0.5, "max_epochs": 10**6, "patience": 10**6}
    Trainer(**options).run(model, toy_batch(ROWS), 0)
    return {"weights": weights(model)}


def code_books() -> dict[str, Any]:
    """Move unused entries of a code book to vectors that each process has others of; count the use of all."""
    with seeded(ranks.rank()):
        vectors = torch.randn(50, 2, 3)
    with seeded(0):
        quantizer = StochasticQuantizer(2, 8, 3)
    quantizer.usage[:, :2] = 0.0
    before = quantizer.book.detach().clone()
    log_q = quantizer.log_probability(vectors).detach()
    moved = quantizer.restart(vectors, log_q, Generator().manual_seed(ranks.rank()))
    same = torch.equal(before[:, 2:], quantizer.book[:, 2:])
    return {"weights": dict(quantizer.state_dict()), "moved": moved, "others stay": same}


def refused(case: Callable[[], object]) -> str:
    """Return what a case that must fail says, by the error's name."""
    try:
        case()
    except GensynthError as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def without(rank: int, what: Callable[[], object]) -> str:
    """Train while one process does something else; return what the other one is told."""
    if ranks.rank() == rank:
        what()
        return ""
    return refused(lambda: trained(max_epochs=10**6))


def cases(folder: Path) -> dict[str, Any]:
    mine = toy_batch(ROWS, seed=ranks.rank())
    quick, names = Trainer(**QUICK), [entry.spec.name for entry in default_registry().models()]
    return {
        "plain": watched(trained),
        "trimmed": watched(lambda: trained(trim=0.25)),
        "counting": watched(counting),
        "families": {name: watched(functools.partial(family, name)) for name in names},
        "detectors": {name: watched(functools.partial(detector, name)) for name in ("vq-vae", "cgan", DETECTION_MODEL)},
        "stream": watched(lambda: stream(folder)),
        "checkpoint": watched(lambda: checkpoint(folder)),
        "code books": code_books(),
        "limited": watched(limited),
        "other table": refused(lambda: quick.run(plain(), mine, 0)),
        "few rows": refused(lambda: quick.run(plain(), toy_batch(3), 0)),
        "small batch": refused(lambda: trained(batch_size=3)),
        "no checkpoint": refused(
            lambda: Trainer(**QUICK, checkpoint=folder / "no").run(plain(), toy_batch(ROWS), 0, resume=True)
        ),
    }


def join(folder: Path, name: str, rank: int, seconds: float) -> None:
    path = (folder / name).as_uri()
    dist.init_process_group("gloo", init_method=path, rank=rank, world_size=2, timeout=timedelta(seconds=seconds))


def main(folder: Path, rank: int) -> None:
    warnings.simplefilter("ignore")
    join(folder, "first", rank, 60)
    setattr(ranks, "take_from_first", PARTED)  # noqa: B010
    found = cases(folder)
    dist.barrier()
    dist.destroy_process_group()
    join(folder, "silent", rank, 2)
    found["silent"] = without(1, lambda: time.sleep(5))
    dist.destroy_process_group()
    join(folder, "lost", rank, 60)
    torch.save(found, folder / f"{rank}.pt")
    found["lost"] = without(1, lambda: os.kill(os.getpid(), signal.SIGKILL))
    torch.save(found, folder / f"{rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
