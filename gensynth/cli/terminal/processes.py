"""Processes started by ``torchrun``: the commands that support them, and the rank of a process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from gensynth.errors import OptionError

TRAINS = "fit"
"""The command that several processes can run together."""


def count() -> int:
    """Return the number of processes that ``torchrun`` started; 1 without it."""
    if not {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys():
        return 1
    return int(os.environ["WORLD_SIZE"])


def number() -> int:
    """Return the rank of this process; rank 0 writes files and messages."""
    return int(os.environ["RANK"]) if count() > 1 else 0


def is_first() -> bool:
    """Return whether this process is the only one, or the first."""
    return number() == 0


@contextlib.contextmanager
def one_speaks() -> Iterator[bool]:
    """Yield whether this process reports its errors, for the block.

    Of several that is the first; another one only if the first does not fail too, which it waits for a little: what all
    meet alike, and that another process is lost, is said once.
    """
    if count() == 1:
        yield True
        return
    from gensynth.training.distributed import first_failed, tell_failure

    if not is_first():
        yield not first_failed()
        return
    yield True
    tell_failure()


@contextlib.contextmanager
def together(command: str) -> Iterator[None]:
    """Join the process group that runs a command, for the block.

    Raises
    ------
    OptionError
        The command is not for several processes.
    """
    if command != TRAINS:
        raise OptionError(
            f"gensynth {command} is no command for torchrun: {count()} processes would do the same work; run it alone"
        )
    from gensynth.training.distributed import joined

    with joined():
        yield
