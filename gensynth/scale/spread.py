"""A function applied to many items by Ray Data workers, each of which loads the function once."""

from __future__ import annotations

import os
import pickle
import platform
import warnings
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from typing import Any, Generic, TypeVar

from gensynth.engine.inputs.streams import BatchWarnings
from gensynth.errors import ClusterError, GensynthError, command_line_hints, counted
from gensynth.scale.cluster import Workers, connected, room, silence
from gensynth.version import __version__

MAX_ATTEMPTS = 3
"""Maximal number of attempts per item: the item of a lost worker is started again on another one."""

T = TypeVar("T")
R = TypeVar("R")


class Task(ABC, Generic[T, R]):
    """A function of items for workers, each of which gets a pickled copy."""

    @abstractmethod
    def __call__(self, item: T) -> R:
        """Return the result, which is pickled."""

    @abstractmethod
    def to_gpu(self) -> None:
        """Move the models to the worker's GPU."""


def spread(task: Task[T, R], items: Sequence[T], workers: Workers, *, ordered: bool) -> Generator[R, None, None]:
    """Yield the results of a task as they complete; equal warnings are issued once.

    A worker that is lost is replaced, and its item begun again, `MAX_ATTEMPTS` times in all.

    Parameters
    ----------
    task : Task
        What to do.
    items : sequence
        What to do it with; pickled.
    workers : Workers
        How many workers, and what each has.
    ordered : bool
        Whether results come in the order of the items, or as they are finished.

    Raises
    ------
    GensynthError, OSError
        What the task raised.
    OptionError
        The cluster has no room for the workers.
    ClusterError
        Workers were lost again and again, or the cluster itself was.
    """
    if not items:
        return
    with connected() as ray:
        n, said = room(ray, workers), BatchWarnings()
        try:
            for packed in _results(ray, task, items, workers, n, ordered=ordered):
                result, found, error = pickle.loads(packed)
                if error is not None:
                    raise error
                with said.batch():
                    for message, category in found:
                        warnings.warn(message, category, stacklevel=2)
                yield result
            said.tell()
        except (ray.exceptions.RayTaskError, ray.exceptions.UserCodeException):
            raise  # an error in the task that nobody foresaw: with its traceback
        except ray.exceptions.RayError as error:
            raise ClusterError(f"the workers of Ray cannot go on: {str(error).strip()}") from error


def _results(
    ray: Any, task: Task[T, R], items: Sequence[T], workers: Workers, n: int, *, ordered: bool
) -> Iterator[bytes]:
    from ray import data

    silence("ray.data")
    shared = ray.put(task)
    attempts = ray.remote(num_cpus=0)(_Attempts).remote()
    rows = [{"number": number, "item": pickle.dumps(item)} for number, item in enumerate(items)]
    dataset = data.from_items(rows, override_num_blocks=len(rows))
    dataset.context.execution_options.preserve_order = ordered
    dataset.context.enable_progress_bars = False
    dataset.context.print_on_execution_start = False
    first = min(workers.count or n, len(items))
    done = dataset.map_batches(
        _Worker,
        batch_size=1,
        batch_format="numpy",
        # in lists, as a reference by itself would be replaced by what it refers to in each call
        fn_constructor_args=([shared], [attempts], workers, __version__),
        compute=data.ActorPoolStrategy(min_size=first, max_size=first if workers.count else len(items)),
        num_cpus=workers.cpus,
        num_gpus=workers.gpus,
    )
    for block in done.iter_batches(batch_size=None, batch_format="pyarrow"):
        for packed in block.column("result"):
            yield packed.as_py()


class _Attempts:
    """Counter of the attempts for each item."""

    def __init__(self) -> None:
        self._begun: dict[int, int] = {}

    def begin(self, number: int) -> int:
        """Return the number of attempts for an item, including this one."""
        self._begun[number] = self._begun.get(number, 0) + 1
        return self._begun[number]


class _Worker:
    """An actor that holds a task."""

    def __init__(self, shared: list[Any], attempts: list[Any], workers: Workers, version: str) -> None:
        import ray

        # before torch is imported
        os.environ["OMP_NUM_THREADS"] = str(workers.cpus)
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        self._ray, self._attempts, self._error = ray, attempts[0], None
        if version != __version__:
            self._error = ClusterError(
                f"{platform.node()} has gensynth {__version__}, and the command is of {version}; install the same "
                "on all machines of the cluster"
            )
            return
        self.task = ray.get(shared[0])
        if workers.gpus:
            self.task.to_gpu()

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        (number,), (item,) = batch["number"].tolist(), batch["item"].tolist()
        return {"result": [pickle.dumps(self._done(number, pickle.loads(item)))]}

    def _done(self, number: int, item: Any) -> tuple[Any, list[Any], BaseException | None]:
        if self._error is not None:
            return None, [], self._error
        n = self._ray.get(self._attempts.begin.remote(number))
        if n > MAX_ATTEMPTS:
            lost = ClusterError(
                f"{counted(MAX_ATTEMPTS, 'worker')} were lost at {item}: most often the machine had no memory left; "
                "give each worker more of it (fewer workers a machine), or smaller parts"
            )
            return None, [], lost
        with warnings.catch_warnings(record=True) as found, command_line_hints():
            warnings.simplefilter("always")
            try:
                result = self.task(item)
            except (GensynthError, OSError, MemoryError) as error:
                return None, [], error
        return result, [(one.message, one.category) for one in found], None
