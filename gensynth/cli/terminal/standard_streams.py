"""Standard output and error that are closed, full, or whose encoding lacks a character."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any, TextIO

from gensynth.files import NamedRaw

OUTPUT_FAILED, PIPE_CLOSED = 2, 141
"""Exit codes: standard output cannot be written; nobody reads it (128 + SIGPIPE)."""
STANDARD_OUTPUT = "standard output"
"""Name of standard output in messages."""


class _Lenient(io.FileIO):
    """A text stream that drops what cannot be written, as a full error stream cannot report it."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def repair_streams() -> None:
    """Replace `sys.stdout` and `sys.stderr` by streams that never end in a traceback.

    Closed descriptors are opened on the null device first, or the next file that is opened would get the number, and
    with it everything that is printed. Writing to a closed standard output fails, to a closed or full standard error
    nothing happens.
    """
    for descriptor, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)  # gets the lowest free number: this one
    out = NamedRaw(1, "w", closefd=False)
    out.label = STANDARD_OUTPUT
    sys.stdout = _text(out, sys.stdout)
    sys.stderr = _text(_Lenient(2, "w", closefd=False), sys.stderr)


def _text(raw: io.FileIO, old: TextIO | None) -> TextIO:
    encoding = getattr(old, "encoding", None) or "utf-8"
    buffered = io.BufferedWriter(raw)
    return io.TextIOWrapper(
        buffered, encoding=encoding, errors="backslashreplace", line_buffering=raw.isatty() or raw.fileno() == 2
    )


def drop_output() -> None:
    """Discard pending output, so that the interpreter does not fail at exit."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
