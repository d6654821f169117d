"""Checks of input and output paths before any computation."""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.errors import DataError, OptionError
from gensynth.files import check_writable

if TYPE_CHECKING:
    from gensynth.datasets import Card


# gensynth.tables has them too, but importing it takes pandas
TABLE_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
READ_ENDINGS = (*TABLE_ENDINGS, ".zip")
MODEL_ENDINGS = (".gensynth",)
PAGE_ENDINGS = (".html", ".htm")
ONNX_ENDINGS = (".onnx",)
ARCHIVE_ENDINGS = (".npz",)
PICTURE_ENDINGS = (".png",)
STANDARD_INPUT = Path("-")


def find(data: str, *, several: bool = False) -> Path | Card:
    """Return the file or the card that DATA names; files take precedence over data sets.

    Parameters
    ----------
    data : str
        What the user wrote.
    several : bool
        Whether it may be a folder, a pattern or standard input, for `stream`.

    Raises
    ------
    DataError
        There is neither; the message suggests near names.
    """
    path = Path(data)
    if several and (path == STANDARD_INPUT or path.is_dir() or (not path.exists() and has_magic(data))):
        return path
    if path.is_dir():
        raise DataError(f"{data} is a folder; expected a file that ends in {', '.join(READ_ENDINGS)}")
    if path.exists():
        return path
    from gensynth.datasets import cards

    known = cards()
    if data in known:
        return known[data]
    looks_like_path = path.name != data or bool(path.suffix)
    near = difflib.get_close_matches(path.name, _neighbours(path), n=1)
    if near:
        near = [str(path.parent / near[0])]
    if not looks_like_path:
        near = difflib.get_close_matches(data.lower(), known, n=1, cutoff=0.5) or near
    hint = f" Did you mean {near[0]!r}?" if near else ""
    if looks_like_path:
        raise DataError(f"there is no file {data!r}.{hint}")
    raise DataError(f"{data!r} is neither a file nor a data set.{hint} Data sets: {', '.join(known)}.")


def model_file(path: Path, *, exported_too: bool = False) -> Path:
    """Return ``path`` if it can be a model file, or with ``exported_too`` an exported graph."""
    if path.is_dir():
        raise DataError(f"{path} is a folder; expected a .gensynth file, written by gensynth fit")
    if not path.exists():
        near = difflib.get_close_matches(path.name, _neighbours(path), n=1)
        hint = f" Did you mean {str(path.parent / near[0])!r}?" if near else ""
        exported = path.name.lower().endswith(ONNX_ENDINGS)
        command = f"gensynth export MODEL --scorer {path.name}" if exported else f"gensynth fit DATA -o {path.name}"
        raise DataError(f"there is no model file {str(path)!r}.{hint} {command} writes one.")
    if path.name.lower().endswith(ONNX_ENDINGS) and not exported_too:
        raise DataError(
            f"{path} is an exported graph, which gensynth score and onnxruntime run; expected the .gensynth file that "
            "it was exported from"
        )
    return path


def checked_output(
    path: Path,
    endings: tuple[str, ...] = TABLE_ENDINGS,
    inputs: Iterable[Path | Card] = (),
    option: str = "--output",
) -> Path:
    """Return the ``path`` of ``option`` if a file can be written there, checked before training.

    Raises
    ------
    OptionError
        The ending says no known format, the folder is missing or not writable, the path is a folder, a device or one
        of the ``inputs``.
    """
    if path.is_dir():
        raise OptionError(f"{option} {path} is a folder; name a file in it")
    if not path.name.lower().endswith(endings):
        raise OptionError(f"{option} {path}: the name must end in {' or '.join(endings)}")
    if not path.parent.is_dir():
        raise OptionError(f"{option} {path}: there is no folder {path.parent}; create it first")
    if path.exists():
        if not path.is_file():
            raise OptionError(f"{option} {path} is not an ordinary file")
        if any(path.samefile(file) for file in _files(inputs)):
            raise OptionError(f"{option} {path} is the input itself; name another file")
        if not os.access(path, os.W_OK):
            raise OptionError(f"{option} {path} is write-protected; name another file or change its permissions")
    try:
        check_writable(path)
    except OSError as error:
        raise OptionError(f"{option} {path} cannot be written: {error.strerror or error}") from error
    # a link stays a link: its target is written
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _files(inputs: Iterable[Path | Card]) -> Iterator[Path]:
    """Yield the input files, those of folders and patterns one by one."""
    for found in inputs:
        if isinstance(found, Path) and found.is_file():
            yield found
        elif isinstance(found, Path) and found != STANDARD_INPUT:
            with contextlib.suppress(DataError):  # whoever reads them says it better: there may be images
                yield from data_files(found)


def data_files(found: Path) -> list[Path]:
    """Return the files of a table or of images by name."""
    from gensynth.tables.images import image_files, is_image_source
    from gensynth.tables.open import table_files

    return image_files(found) if is_image_source(found) else table_files(found)


def check_distinct(outputs: Mapping[str, Path | None]) -> None:
    """Raise `OptionError` if two options name the same file, the one as a link to the other."""
    seen: dict[str, str] = {}
    for option, path in outputs.items():
        if path is not None:
            other = seen.setdefault(os.path.realpath(path), option)
            if other != option:
                raise OptionError(f"{option} and {other} are the same file, {path}; name two files")


def _neighbours(path: Path) -> list[str]:
    try:
        return sorted(p.name for p in path.parent.iterdir())[:10_000]
    except OSError:
        return []
