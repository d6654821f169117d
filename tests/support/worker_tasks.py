"""What workers of a Ray cluster do in tests: they warn, fail, die, and say what they have."""

from __future__ import annotations

import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from gensynth.errors import DataError, UnseenValuesWarning, hint
from gensynth.scale.spread import Task


@dataclass(frozen=True)
class Squares(Task[int, int]):
    """Returns squares, later ones earlier, with a warning that all give and one that every item but 0 gives."""

    def __call__(self, item: int) -> int:
        warnings.warn("of all", UserWarning, stacklevel=1)
        warnings.warn(UnseenValuesWarning("never of all", "x"), stacklevel=1) if item else None
        time.sleep(0.3 if item == 0 else 0.0)
        return item * item

    def to_gpu(self) -> None:
        raise AssertionError("no GPU was asked for")


@dataclass(frozen=True)
class Threads(Task[int, tuple[str, int]]):
    """Says in how many threads a worker computes."""

    def __call__(self, item: int) -> tuple[str, int]:
        import torch

        return os.environ["OMP_NUM_THREADS"], torch.get_num_threads()

    def to_gpu(self) -> None:
        raise AssertionError("no GPU was asked for")


@dataclass(frozen=True)
class Dies(Task[int, int]):
    """Kills its process at item 1, as often as there are files to be removed in a folder."""

    folder: Path

    def __call__(self, item: int) -> int:
        left = sorted(self.folder.iterdir())
        if item == 1 and left:
            left[0].unlink()
            os._exit(9)
        return item

    def to_gpu(self) -> None:
        raise AssertionError("no GPU was asked for")


@dataclass(frozen=True)
class Fails(Task[int, int]):
    """Raises an error that gensynth foresees, or another one."""

    foreseen: bool

    def __call__(self, item: int) -> int:
        if self.foreseen:
            raise DataError(f"column 'x' is wrong; {hint('in Python', 'on the command line')}")
        raise ZeroDivisionError("a bug")

    def to_gpu(self) -> None:
        raise AssertionError("no GPU was asked for")


def together(what: str) -> tuple[int, float]:
    """Be one of two processes: add up their numbers, or end in the second one as ``what`` says."""
    import torch
    import torch.distributed as dist

    from gensynth.scale.together import WorkerError

    if what == "dies" and dist.get_rank() == 1:
        time.sleep(3)  # while the other one waits
        os._exit(9)
    if what == "speaks" and dist.get_rank() == 1:
        raise WorkerError("the second has something to say")
    numbers = torch.tensor([1.0 + dist.get_rank()])
    dist.all_reduce(numbers)
    return int(os.environ["WORLD_SIZE"]), float(numbers)
