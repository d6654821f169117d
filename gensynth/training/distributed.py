"""Data-parallel training (torch.distributed): each process trains on its part of every batch.

All processes have the whole table, draw the same order of rows from the same seed and see the same held-out rows; what
depends on a clock or on callbacks is decided by the first one. Gradients are added up, so that one step is that of a
single process on the whole batch, and weights are the same bits everywhere.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Generator, Tensor

from gensynth.errors import DataError, GensynthError, OptionError
from gensynth.nn import ranks
from gensynth.nn.trimming import kept_rows, trimmed_mean

TIMEOUT = timedelta(minutes=10)
"""Time after which an unresponsive process counts as lost."""
_PATIENCE = timedelta(days=7)
"""Timeout while one process encodes a table and the others wait; a process that ends is noticed at once."""
_FAILED = "gensynth.failed"
_FOLLOWS = timedelta(seconds=5)
"""How long other processes wait for the first one to report an error that all of them meet."""
MIN_PART = 2
"""Minimal rows of a batch per process: batch statistics need more than one row."""


class _Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=_Closable)


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """Join the process group of ``torchrun`` for the block; do nothing if there is a group already."""
    if dist.is_initialized():
        yield
        return
    cuda = torch.cuda.is_available()
    if cuda:
        own, there = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
        if own >= there:
            raise OptionError(f"process {own} of this machine has no GPU, there being {there}; start fewer processes")
        torch.cuda.set_device(own)
    try:
        dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=TIMEOUT)
    except (RuntimeError, ValueError) as error:
        raise OptionError(f"the processes of torchrun do not find each other: {error}") from error
    try:
        yield
    finally:
        dist.destroy_process_group()


def tell_failure() -> None:
    """Record in the store of ``torchrun`` that the first process reported its failure."""
    with contextlib.suppress(dist.DistError):  # no store: each says it
        _store().set(_FAILED, "")


def first_failed() -> bool:
    """Return whether the first process reports a failure within a few seconds."""
    try:
        _store().wait([_FAILED])
    except dist.DistError:
        return False
    return True


def _store() -> Any:
    place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return dist.TCPStore(*place, is_master=False, timeout=_FOLLOWS)  # type: ignore[attr-defined]


def least_batch() -> int:
    """Return the minimal number of rows of a batch."""
    return MIN_PART * ranks.size()


def check_rows(n_rows: int) -> None:
    """Raise `DataError` if there are too few training rows for the number of processes."""
    if ranks.size() > 1 and n_rows < least_batch():
        raise DataError(
            f"{n_rows} rows to learn from are too few for {ranks.size()} processes, each of which takes {MIN_PART} of "
            "every batch; start fewer processes"
        )


def check_batch_size(size: int) -> None:
    """Raise `OptionError` if batches of this size cannot be split over the processes."""
    if ranks.size() > 1 and size < least_batch():
        raise OptionError(
            f"trainer.batch_size={size} is that of all {ranks.size()} processes together; each takes {MIN_PART} rows "
            f"or more, which makes {least_batch()}"
        )


def check_alike(marks: Mapping[str, str]) -> None:
    """Raise `OptionError` if the processes are about to train different runs; name the differences."""
    for number, other in enumerate(ranks.gathered(dict(marks))):
        different = [name for name in marks if other.get(name) != marks[name]]
        if different:
            raise OptionError(
                f"processes {ranks.rank()} and {number} train different things: {', '.join(different)}; start all with "
                "the same command, files and versions"
            )


def part(first: int, last: int) -> slice:
    """Return the rows of this process among those of a batch, a half-open range of an order."""
    return _part_of(ranks.rank(), first, last)


def step_noise(rng: Generator, seed: int, stage: str, step: int) -> Generator:
    """Return the generator for the losses of a step: ``rng``, or one per process if there are several.

    That follows from the seed of the run and the step, so that ``rng`` draws the same order of rows in all processes,
    and a checkpoint need hold nothing else.
    """
    if ranks.size() == 1:
        return rng
    words = np.random.SeedSequence([seed, step, ranks.rank(), *stage.encode()]).generate_state(1, np.uint64)
    return Generator(rng.device).manual_seed(int(words[0] >> np.uint64(1)))


def own_share(losses: Tensor, trim: float, n_rows: int) -> Tensor:
    """Return this process's contribution to the `trimmed_mean` of a batch of ``n_rows``, from its ``losses``.

    The worst rows are those of the whole batch. A scalar, the loss of a game, counts in proportion to the rows.
    """
    if ranks.size() == 1:
        return trimmed_mean(losses, trim)
    own = part(0, n_rows)
    n = own.stop - own.start
    if not trim or not losses.dim():
        share: Tensor = losses.mean() * (n / n_rows)
        return share
    sizes = [len(range(n_rows)[_part_of(number, 0, n_rows)]) for number in range(ranks.size())]
    padded = losses.new_zeros((*losses.shape[:-1], max(sizes)))
    padded[..., :n] = losses.detach()
    every = torch.cat([one[..., :rows] for one, rows in zip(ranks.stacked(padded), sizes, strict=True)], -1)
    kept = kept_rows(every, trim)
    mine = torch.zeros_like(every, dtype=torch.bool).scatter_(-1, kept, value=True)[..., own]
    return torch.where(mine, losses, 0.0).sum() / kept.numel()


Gradients = Sequence[Tensor | None]


def added_up(loss: Tensor, gradients: Gradients, like: Sequence[Tensor]) -> tuple[Tensor, Gradients]:
    """Return the sums over all processes of their contributions to a loss and its gradients.

    Parameters
    ----------
    loss : Tensor
        Scalar.
    gradients : sequence of Tensor or None
        One for each parameter; None: the loss does not depend on it; the sum is None where all are.
    like : sequence of Tensor
        The parameters.
    """
    loss = loss.detach()
    if ranks.size() == 1:
        return loss, gradients
    used = loss.new_tensor([gradient is not None for gradient in gradients])
    whole = [torch.zeros_like(p) if g is None else g for g, p in zip(gradients, like, strict=True)]
    flat = ranks.total(torch.cat([loss.reshape(1), used, *(gradient.reshape(-1) for gradient in whole)]))
    head, *parts = flat.split([1 + len(whole), *(gradient.numel() for gradient in whole)])
    sums = [own.view(p.shape).to(p.dtype) for own, p in zip(parts, like, strict=True)]
    there = (head[1:] > 0).tolist()
    return head[0], [own if here else None for own, here in zip(sums, there, strict=True)]


@contextlib.contextmanager
def once_a_machine(source: AbstractContextManager[T]) -> Iterator[T]:
    """Enter a context in one process per machine, and share its value with the others.

    What it makes is pickled for the others, which close their copies at the end. Where files have no paths under
    ``/proc`` that others could open, every process enters a context of its own.
    """
    if ranks.size() == 1 or not sys.platform.startswith("linux"):
        with source as made:
            yield made
        return
    everyone, beside = _patient_groups()
    leads = dist.get_rank(beside) == 0
    with contextlib.ExitStack() as stack:
        outcome: tuple[T | None, GensynthError | None] = (None, None)
        if leads:
            try:
                outcome = stack.enter_context(source), None
            except GensynthError as error:
                outcome = None, error
        made_here, failure = ranks.from_first(outcome, beside)
        if failure is not None or made_here is None:
            raise failure or AssertionError
        if not leads:
            stack.enter_context(contextlib.closing(made_here))
        with ranks.others_answering():
            dist.barrier(everyone)  # from here on there are no long waits, and all processes have the files open
        yield made_here


def _patient_groups() -> tuple[dist.ProcessGroup, dist.ProcessGroup]:
    """Return process groups with a long timeout: of all processes, and of this machine's."""
    hosts = ranks.gathered(socket.gethostname())
    with ranks.others_answering():
        groups = {
            host: dist.new_group([i for i, name in enumerate(hosts) if name == host], _PATIENCE, "gloo")
            for host in dict.fromkeys(hosts)
        }
        return dist.new_group(None, _PATIENCE, "gloo"), groups[socket.gethostname()]


def _part_of(number: int, first: int, last: int) -> slice:
    n, size = last - first, ranks.size()
    return slice(first + n * number // size, first + n * (number + 1) // size)
