"""Allocator settings that keep freed memory for the next training step."""

from __future__ import annotations

import ctypes
import functools
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of glibc's malloc.h
_LARGEST = 32 * 2**20  # the most that glibc takes
_KEPT = 256 * 2**20


@functools.cache
def keep_freed_memory() -> bool:
    """Keep up to 256 MB of freed memory in this process, instead of returning every larger tensor to the system.

    glibc maps blocks of more than 128 KB anew each time, and the system clears them page by page: that took a quarter
    of a training step of an autoregressive decoder. Only the allocator's thresholds change, once a process. Return
    whether they did (not without glibc).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return False
    return all([bool(mallopt(_MMAP_THRESHOLD, _LARGEST)), bool(mallopt(_TRIM_THRESHOLD, _KEPT))])
