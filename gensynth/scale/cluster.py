"""The Ray cluster of the workers: an existing one, or a temporary one on this machine."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import re
import signal
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gensynth.errors import ClusterError, MissingPackageError, OptionError, counted

_ANSWERS_IN = 10.0
"""Timeout in seconds for a cluster's answer."""


@dataclass(frozen=True)
class Workers:
    """Number of workers, and the resources of each.

    Parameters
    ----------
    count : int or None
        None: as many as the cluster has room for.
    cpus : int
        Processors of each, and the threads that it computes in.
    gpus : float
        GPUs of each, 0 or at least 0.0001; below 1: several workers share one.
    """

    count: int | None = None
    cpus: int = 1
    gpus: float = 0.0

    def __str__(self) -> str:
        each = counted(self.cpus, "CPU")
        return f"{each} and {self.gpus:g} GPU" if self.gpus else each


def check_installed() -> None:
    """Raise `MissingPackageError` if Ray is not installed; it is not imported."""
    if importlib.util.find_spec("ray") is None:
        raise MissingPackageError("--engine ray needs the package ray: pip install 'gensynth[ray]'")


@contextlib.contextmanager
def connected() -> Iterator[Any]:
    """Yield the module ``ray``, connected to a cluster.

    That of this process, of ``RAY_ADDRESS`` (as in a Ray job), or that was started on this machine; else one of this
    machine's processors is started, which ends with the block. No usage statistics are sent.

    Raises
    ------
    MissingPackageError
        Ray is not installed.
    ClusterError
        The cluster does not answer.
    """
    check_installed()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what the core writes to standard error of the command
    import ray

    if ray.is_initialized():
        yield ray
        return
    _check_address(os.environ.get("RAY_ADDRESS", ""))
    with _handlers_kept():
        try:
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise ClusterError(f"Ray does not start: {error}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Raise `ClusterError` if nothing listens at an address: Ray itself would retry for many minutes."""
    found = re.fullmatch(r"(?:ray://)?(.+):(\d+)", address)
    if found is None:  # "auto", "local", or none
        return
    try:
        socket.create_connection((found[1].strip("[]"), int(found[2])), _ANSWERS_IN).close()
    except OSError as error:
        raise ClusterError(
            f"no Ray cluster answers at {address} ({error.strerror or error}): set RAY_ADDRESS to the address of one, "
            "or to local for one on this machine"
        ) from error


@contextlib.contextmanager
def _handlers_kept() -> Iterator[None]:
    """Restore the signal handlers that Ray replaces."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) != handler:
                signal.signal(number, handler)


def silence(name: str) -> None:
    """Restrict the log of a Ray library to errors."""
    logging.getLogger(name).setLevel(logging.ERROR)


def room(ray: Any, workers: Workers) -> int:
    """Return the number of such workers that the cluster has room for.

    Raises
    ------
    OptionError
        For none; or for fewer than are asked for.
    """
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    n = sum(_fitting(machine, workers) for machine in machines)
    wanted = 1 if workers.count is None else workers.count
    if n < wanted:
        there = {kind: sum(machine.get(kind, 0.0) for machine in machines) for kind in ("CPU", "GPU")}
        raise OptionError(
            f"the cluster has room for {n} of the {counted(wanted, 'worker')} of {workers} each: its "
            f"{counted(len(machines), 'machine')} {'has' if len(machines) == 1 else 'have'} {there['CPU']:g} CPU and "
            f"{there['GPU']:g} GPU; ask for less, or let it have more before the command"
        )
    return n


def _fitting(machine: Mapping[str, float], workers: Workers) -> int:
    by_cpu = int(machine.get("CPU", 0.0) // workers.cpus)
    if not workers.gpus:
        return by_cpu
    gpus = machine.get("GPU", 0.0)
    # Ray counts in 1/10,000; in floats 1 // 0.2 is 4
    by_gpu = gpus // workers.gpus if workers.gpus >= 1 else gpus * (10_000 // round(10_000 * workers.gpus))
    return min(by_cpu, int(by_gpu))
