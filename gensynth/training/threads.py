"""Number of CPU threads of training steps: one, unless a step is large enough for several."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

import torch

LARGE = 1e9
"""Parameters times batch size above which training steps use all of torch's threads.

Threads wait for each other at every operation: two made steps of 1e7 to 4e7 two to three times slower on two idle
cores, and on busy ones more; those of 1.2e9 became a tenth faster, those of 3e9 by a half (docs/scaling.md).
"""

_lock = threading.Lock()
_runs = 0
_before = 1


@contextlib.contextmanager
def fitting_threads(work: float) -> Iterator[None]:
    """Use one torch thread within the block if ``work`` is below `LARGE`.

    Nothing changes where ``OMP_NUM_THREADS`` is set: somebody chose.
    """
    global _runs, _before
    if work >= LARGE or "OMP_NUM_THREADS" in os.environ:
        yield
        return
    with _lock:  # several runs may be in threads of this process: restore the setting before the first
        if _runs == 0:
            _before = torch.get_num_threads()
        _runs += 1
    torch.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            _runs -= 1
            torch.set_num_threads(_before)
