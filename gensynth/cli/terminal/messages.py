"""Terminal output: results on standard output, errors, notes and tables on standard error."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from gensynth.cli.terminal import processes
from gensynth.cli.terminal.signals import stop_code, stop_message
from gensynth.cli.terminal.standard_streams import OUTPUT_FAILED, PIPE_CLOSED, STANDARD_OUTPUT, drop_output
from gensynth.errors import GensynthError

FAILED = 2
"""Exit code: bad input, usage or output."""

_QUIET = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ImportWarning, ResourceWarning)
"""Warnings meant for library authors, not for users of a command."""


_UsageError: Any = typer.BadParameter.__base__
"""Base class of usage errors: in typer's own copy of click from version 0.29 on, otherwise in click."""

_quiet = False


def be_quiet(wanted: bool) -> None:  # noqa: FBT001 - typer's callback
    """Suppress everything but errors on standard error from now on, or stop suppressing."""
    global _quiet
    _quiet = wanted or not processes.is_first()


def is_quiet() -> bool:
    """Return whether nothing but errors is wanted on standard error."""
    return _quiet


_held: list[str] = []
"""Notes that are held back while a progress bar is on the screen."""


def note(message: str) -> None:
    """Write one line of advice to standard error."""
    if _quiet:
        return
    typer.echo(f"{typer.style('note:', fg='yellow', bold=True)} {' '.join(message.split())}", err=True)


def say(message: str) -> None:
    """Write a result to standard error, after pending notes."""
    _release_notes()
    if not _quiet:
        typer.echo(message, err=True)


def fail(message: str, code: int = FAILED) -> typer.Exit:
    """Write an error to standard error, in one process of several, and return what is to be raised."""
    with processes.one_speaks() as speaks:
        if speaks:
            who = "" if processes.is_first() else f"process {processes.number()}: "
            typer.echo(f"{typer.style('error:', fg='red', bold=True)} {who}{message}", err=True)
    return typer.Exit(code)


@contextlib.contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Show each warning once, as a note, never within a progress bar; leave out those meant for developers."""
    seen: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if str(message) not in seen and not issubclass(category, _QUIET):
            seen.add(str(message))
            _held.append(str(message))
            if not _bar_is_shown():
                _release_notes()

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        try:
            yield
        finally:
            _release_notes()


def _bar_is_shown() -> bool:
    progress = sys.modules.get("gensynth.training.progress")  # imports torch: never for this alone
    return progress is not None and progress.is_shown()


def _release_notes() -> None:
    while _held:
        note(_held.pop(0))


def stopped(error: BaseException) -> None:
    """Report that a signal ended the command; of several processes the first does."""
    if processes.is_first():
        fail(stop_message(error))


def flushed(code: int) -> int:
    """Flush standard output; return ``code``, or the exit code for a failure to write."""
    try:
        sys.stdout.flush()
    except OSError as error:
        drop_output()
        if isinstance(error, BrokenPipeError):
            return PIPE_CLOSED
        fail(_why(error))
        return OUTPUT_FAILED
    return code


@contextlib.contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """Turn user errors into one message and an exit code; bugs keep their traceback."""
    try:
        yield
        sys.stdout.flush()
    except GensynthError as error:
        raise fail(str(error)) from None
    except _UsageError as error:
        error.message = _advised(error.message)
        if processes.count() == 1:
            raise
        with processes.one_speaks() as speaks:
            if speaks:
                error.show()
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt as error:
        stopped(error)
        raise typer.Exit(stop_code(error)) from None
    except BrokenPipeError:
        # what is left in the buffer must go somewhere when the interpreter ends
        drop_output()
        raise typer.Exit(PIPE_CLOSED) from None
    except OSError as error:
        if error.filename == STANDARD_OUTPUT:
            drop_output()
        raise fail(_why(error)) from None
    except MemoryError:
        raise fail("out of memory: use fewer rows, or a machine with more memory") from None


def _advised(message: str) -> str:
    """Return what is wrong with the arguments; of more files than one what a shell did that was to leave them alone."""
    extra = re.search(r"extra arguments?(?:\(s\))? \((.+)\)$", message)
    if extra is None or not any(map(os.path.exists, extra[1].split())):
        return message
    return f"{message}. A pattern of several files is one argument: put it in quotes, or name their folder"


def _why(error: OSError) -> str:
    if error.filename == STANDARD_OUTPUT and error.errno == errno.EBADF:
        return f"{STANDARD_OUTPUT} is closed"
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int = 0, err: bool = False) -> None:
    """Print a table to standard output (or error); the last ``numbers`` columns are aligned to the right.

    In a terminal long cells are wrapped; elsewhere every row is one line, without colours or rules.
    """
    _release_notes()
    if err and _quiet:
        return
    right = [position >= len(headers) - numbers for position in range(len(headers))]
    if not (sys.stderr if err else sys.stdout).isatty():
        widths = [max(len(row[i]) for row in [headers, *rows]) for i in range(len(headers))]
        for row in [headers, *rows]:
            cells = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)]
            typer.echo("  ".join(cells).rstrip(), err=err)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for header, to_right in zip(headers, right, strict=True):
        drawn.add_column(header, justify="right" if to_right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    Console(stderr=err).print(drawn)
