"""Atomic file writes: an interrupt, a full disk or a crash never leaves a partial file."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

_temporary: set[Path] = set()
"""Temporary files and folders that this process has not finished."""


class NamedRaw(io.FileIO):
    """A file whose errors while writing name ``label``, what the user calls it, as their file."""

    label = ""

    def write(self, data: Any) -> int:
        """Write bytes; an `OSError` gets the label as its file name."""
        with errors_name(self.label):
            return super().write(data)


@contextlib.contextmanager
def errors_name(label: str) -> Iterator[None]:
    """Set this file name on every `OSError` raised within the block."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = label, None
        raise


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a temporary file beside ``path`` for writing; at the end of the block it takes the place of ``path``.

    When the block raises (`KeyboardInterrupt` included) ``path`` stays as it was and the temporary file is removed.
    A new file gets the permissions of the process; one that is replaced keeps its own, and its group where allowed.
    Of several processes that write one path the last to finish wins, with a whole file.

    Parameters
    ----------
    path : path-like
        File to be written; its folder must exist.

    Yields
    ------
    BinaryIO
        The temporary file, open for writing bytes.

    Raises
    ------
    OSError
        The folder is missing or not writable, or the disk is full; ``filename`` is ``path``.
    """
    target = Path(os.path.realpath(path))
    label = os.fspath(path)
    with _temporary_beside(target, label) as (temporary, raw):
        with io.BufferedWriter(raw) as stream:
            yield stream
            with errors_name(label):
                stream.flush()
                os.fsync(raw.fileno())
        with errors_name(label):
            temporary.replace(target)
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Create a temporary folder beside ``path``; at the end of the block it takes the place of ``path``.

    When the block raises (`KeyboardInterrupt` included) the temporary folder is removed, and ``path`` stays as it was.

    Parameters
    ----------
    path : path-like
        Folder to be written, that does not exist or is empty; the folder that it is in must exist.

    Yields
    ------
    Path
        The temporary folder.

    Raises
    ------
    OSError
        The place is missing or not writable, the disk is full, or ``path`` is a folder that is not empty.
    """
    target = Path(os.path.realpath(path))
    temporary = target.parent / f".{target.name[:50]}.{os.urandom(8).hex()}.tmp"
    _temporary.add(temporary)
    try:
        with errors_name(os.fspath(path)):
            temporary.mkdir()
        yield temporary
        with errors_name(os.fspath(path)):
            if target.is_dir():  # not every system moves a folder onto an empty one
                target.rmdir()
            temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        _temporary.discard(temporary)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise `OSError` if `atomic_write` could not write ``path``: a temporary file is made beside it, and removed."""
    with _temporary_beside(Path(os.path.realpath(path)), os.fspath(path)) as (_, raw):
        raw.close()


def remove_temporary_files() -> None:
    """Remove what is not finished: for a process that ends without unwinding its stack."""
    for path in tuple(_temporary):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
            continue
        with contextlib.suppress(OSError):
            path.unlink()


@contextlib.contextmanager
def _temporary_beside(target: Path, label: str) -> Iterator[tuple[Path, NamedRaw]]:
    """Create an empty file in the folder of ``target``; it is removed at the end unless it was renamed."""
    # the name is listed before there is a file of it: an interrupt between two steps leaves none behind
    temporary = target.parent / f".{target.name[:50]}.{os.urandom(8).hex()}.tmp"
    _temporary.add(temporary)
    try:
        with errors_name(label):
            raw = _create(temporary, target)
        raw.label = label
        with raw:
            yield temporary, raw
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
        _temporary.discard(temporary)


def _create(temporary: Path, target: Path) -> NamedRaw:
    """Open a new file with the permissions of ``target``, if there is one."""
    try:
        old = target.stat()
    except OSError:
        old = None
    mode = 0o666 if old is None else stat.S_IMODE(old.st_mode) & 0o777

    def opener(name: str, _: int) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        return os.open(name, flags, mode)  # the kernel takes the umask away

    raw = NamedRaw(os.fspath(temporary), "w", opener=opener)
    if old is not None and hasattr(os, "fchmod"):
        with contextlib.suppress(OSError):  # somebody else's group
            os.fchown(raw.fileno(), -1, old.st_gid)
        os.fchmod(raw.fileno(), mode)
    return raw
