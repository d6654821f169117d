"""A function that workers run together in one torch.distributed process group (Ray Train)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from gensynth.errors import GensynthError, TrainingError
from gensynth.scale.cluster import Workers, connected, room, silence

T = TypeVar("T")


class WorkerError(GensynthError):
    """Error of a worker that ends all workers."""


def run_together(function: Callable[[], T], workers: Workers, folder: Path, timeout: timedelta) -> T:
    """Run a function in all workers at once; return the result of the first.

    Each is a process of one group of torch.distributed, with the environment that ``torchrun`` gives.

    Parameters
    ----------
    function : callable
        Pickled for the workers.
    workers : Workers
        How many, and what each has; ``count`` None: as many as there is room for.
    folder : Path
        Which all machines have: a temporary folder for Ray's own notes is made in it.
    timeout : timedelta
        After which a worker that does not answer counts as lost.

    Raises
    ------
    WorkerError
        Raised by the function, in the worker that this is of.
    OptionError
        The cluster has no room for the workers.
    TrainingError
        A worker was lost.
    """
    with connected() as ray:
        there = room(ray, workers)
        n = workers.count or there
        from ray import train
        from ray.train.torch import TorchConfig, TorchTrainer

        silence("ray.train")
        each = {"CPU": workers.cpus, **({"GPU": workers.gpus} if workers.gpus else {})}
        backend = "cpu:gloo,cuda:nccl" if workers.gpus else "gloo"
        notes = tempfile.mkdtemp(prefix=".ray-", dir=folder)
        trainer = TorchTrainer(
            lambda: function(),
            scaling_config=train.ScalingConfig(num_workers=n, use_gpu=bool(workers.gpus), resources_per_worker=each),
            torch_config=TorchConfig(backend=backend, timeout_s=int(timeout.total_seconds())),
            run_config=train.RunConfig(name="run", storage_path=notes),
        )
        try:
            result: T = trainer.fit().return_value
            return result
        except train.WorkerGroupError as error:
            said = [failure for _, failure in sorted(error.worker_failures.items())]
            failed = next((one for one in said if isinstance(one, WorkerError)), None)
            if failed is None and not any(type(one).__module__.startswith("ray.") for one in said):
                raise  # an error that nobody foresaw, not one of Ray that a worker does not answer
        except (train.TrainingFailedError, ray.exceptions.RayError):
            failed = None
        except SystemExit:  # Ray takes Ctrl-C for itself, ends the workers, and would end the process too
            raise KeyboardInterrupt from None
        finally:
            shutil.rmtree(notes, ignore_errors=True)
        del trainer
    # here, as an error with that of Ray behind it would keep the workers
    raise failed or TrainingError(
        f"one of the {n} workers was lost, most often because its machine had no memory left. With --checkpoint FILE "
        "and --resume training can be continued"
    )
