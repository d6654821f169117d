"""Destinations of rows: a file, standard output, or a folder of parts that ``--resume`` can complete."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.cli.options.declarations import PART_ROWS, check_format
from gensynth.cli.options.paths import STANDARD_INPUT, TABLE_ENDINGS, checked_output, data_files
from gensynth.errors import OptionError
from gensynth.files import atomic_write

if TYPE_CHECKING:
    from gensynth.datasets import Card
    from gensynth.tables.writer import BatchWriter, FileWriter

_NOTES = "_gensynth.json"
"""File in a folder of parts that records what wrote it; readers of data sets skip names that begin with ``_``."""
_MAX_PARTS = 100_000
"""File names of parts have five digits, and parts are read in that order."""


@dataclass(frozen=True)
class TableOutput:
    """Destination of output rows.

    Parameters
    ----------
    path : Path or None
        A file or a folder; None: standard output.
    folder : bool
        Whether it is a folder of parts.
    part_rows : int
        Rows of a part.
    resume : bool
        Whether to go on with the parts that are there.
    pipe : str
        Format of standard output.
    """

    path: Path | None
    folder: bool
    part_rows: int
    resume: bool
    pipe: str

    def __str__(self) -> str:
        return "standard output" if self.path is None else str(self.path)

    @property
    def csv(self) -> bool:
        """Whether the rows are written as text."""
        if self.path is None:
            return self.pipe == "csv"
        return not self.folder and not self.path.name.lower().endswith(".parquet")

    @contextlib.contextmanager
    def writer(self, n_rows: int, run: Mapping[str, Any]) -> Iterator[BatchWriter]:
        """Yield the writer of the rows.

        Parameters
        ----------
        n_rows : int
            Rows of the whole table.
        run : mapping of str to JSON values
            What the rows are a function of, by name: only a run of the same goes on with its parts.

        Raises
        ------
        OptionError
            The folder holds something else, or parts of another run; or there would be too many parts.
        """
        if self.path is None:
            with _standard_output_writer(self.pipe, n_rows) as writer:
                yield writer
        elif not self.folder:
            from gensynth.tables.writer import file_writer

            with file_writer(self.path, n_rows) as writer:
                yield writer
        else:
            from gensynth.tables.writer import PartsWriter

            with self._noted_run(n_rows, run), PartsWriter(self.path, n_rows, self.part_rows) as parts:
                yield parts

    @contextlib.contextmanager
    def parts(self, n_rows: int, run: Mapping[str, Any]) -> Iterator[list[tuple[Path, int, int]]]:
        """Yield the files of a folder with their ranges of rows, for writers of single parts.

        Parameters and errors are those of `writer`. A file that exists is finished.
        """
        from gensynth.tables.writer import part_path

        assert self.path is not None
        starts = range(0, n_rows, self.part_rows)
        with self._noted_run(n_rows, run):
            try:
                yield [
                    (part_path(self.path, number), start, min(start + self.part_rows, n_rows))
                    for number, start in enumerate(starts)
                ]
            finally:
                self._remove_temporary()

    @contextlib.contextmanager
    def _noted_run(self, n_rows: int, run: Mapping[str, Any]) -> Iterator[None]:
        notes = self._notes_of(n_rows, run)
        self._begin(notes)
        yield
        self._note({**notes, "finished": True})

    def check(self, n_rows: int, run: Mapping[str, Any]) -> None:
        """Raise `OptionError` if ``writer`` could not write or resume the parts, before any work."""
        notes = self._notes_of(n_rows, run)
        if self.resume:
            self._compare(notes)

    def noted(self) -> dict[str, Any]:
        """Return the recorded run whose parts are in the folder; empty without one."""
        if not self.folder or self.path is None:
            return {}
        try:
            found = json.loads((self.path / _NOTES).read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError) as error:
            raise OptionError(
                f"--output {self.path}: its {_NOTES} cannot be read ({error}); remove the folder"
            ) from error
        if not (isinstance(found, dict) and isinstance(found.get("run"), dict) and "finished" in found):
            raise OptionError(f"--output {self.path}: its {_NOTES} was not written by gensynth; remove the folder")
        return found

    def _notes_of(self, n_rows: int, run: Mapping[str, Any]) -> dict[str, Any]:
        if n_rows > _MAX_PARTS * self.part_rows:
            raise OptionError(
                f"--part-rows {self.part_rows:,}: {n_rows:,} rows would be more than {_MAX_PARTS:,} parts; give at "
                f"least {-(-n_rows // _MAX_PARTS):,}"
            )
        return {"run": {**run, "rows": n_rows, "part_rows": self.part_rows}, "finished": False}

    def _begin(self, notes: dict[str, Any]) -> None:
        assert self.path is not None
        if self.resume:
            self._compare(notes)
            self._remove_temporary()
            return
        self.path.mkdir(exist_ok=True)
        self._note(notes)

    def _remove_temporary(self) -> None:
        """Remove unfinished files of killed processes."""
        assert self.path is not None
        for left in self.path.glob(".part-*.tmp"):
            left.unlink(missing_ok=True)

    def _compare(self, notes: dict[str, Any]) -> None:
        own, their = notes["run"], self.noted()["run"]
        different = [name for name in own if own[name] != their.get(name)]
        if different:
            name = different[0]
            raise OptionError(
                f"--resume: the parts in {self.path} are of another run: {name.replace('_', ' ')} was "
                f"{_shown(their.get(name))} and is {_shown(own[name])}; write into another folder"
            )

    def _note(self, notes: dict[str, Any]) -> None:
        assert self.path is not None
        with atomic_write(self.path / _NOTES) as file:
            file.write(json.dumps(notes, indent=1, sort_keys=True).encode() + b"\n")


def table_output(
    output: str,
    inputs: Iterable[Path | Card] = (),
    *,
    part_rows: int | None = None,
    resume: bool = False,
    pipe: str | None = None,
) -> TableOutput:
    """Return the destination OUT, if rows can be written there.

    Raises
    ------
    OptionError
        They cannot; or a folder is to be written into that is not empty, or has nothing to go on with.
    """
    path, inputs = Path(output), list(inputs)
    pipe = check_format(pipe, [path, *inputs])
    folder = path != STANDARD_INPUT and (output.endswith(("/", os.sep)) or path.is_dir())
    if resume and not folder:
        raise OptionError(f"--resume needs a folder of parts, whose name ends in /; --output {output} is not one")
    if part_rows is not None and not folder:
        raise OptionError(f"--part-rows needs a folder of parts, whose name ends in /; --output {output} is not one")
    part_rows = PART_ROWS if part_rows is None else part_rows
    if resume and STANDARD_INPUT in inputs:
        raise OptionError("--resume has to read the table again, which standard input cannot; write it to a file first")
    for data in inputs:
        if isinstance(data, Path) and data.is_dir() and data.resolve() in path.resolve().parents:
            raise OptionError(f"--output {output} lies in the table that is read, {data}; write into another folder")
    if path == STANDARD_INPUT:
        return TableOutput(None, False, part_rows, False, pipe)
    if not folder:
        return TableOutput(checked_output(path, TABLE_ENDINGS, inputs), False, part_rows, False, pipe)
    out = TableOutput(path, True, part_rows, resume, pipe)
    _check_folder(path, out.noted(), resume=resume)
    return out


def _check_folder(path: Path, before: Mapping[str, Any], *, resume: bool) -> None:
    """Raise `OptionError` if parts cannot be written into a folder with the recorded run ``before``."""
    if resume and not before:
        raise OptionError(f"--resume: there are no parts in {path} to continue; leave out --resume to start")
    if not resume and before and not before["finished"]:
        raise OptionError(
            f"--output {path} holds parts of an interrupted run: add --resume to continue it, or remove the folder to "
            "start over"
        )
    if not resume and path.exists():
        if not path.is_dir():
            raise OptionError(f"--output {path} is a file; a name that ends in / is a folder")
        if any(path.iterdir()):
            raise OptionError(f"--output {path} is a folder that is not empty; name another one")
    if not path.absolute().parent.is_dir():
        raise OptionError(f"--output {path}: there is no folder {path.absolute().parent}; create it first")
    place = path if path.exists() else path.absolute().parent
    if not os.access(place, os.W_OK):
        raise OptionError(f"--output {path}: the folder {place} is write-protected; name another one")


def is_noted(folder: Path) -> bool:
    """Whether a folder has the record of a run that writes parts into it."""
    return (folder / _NOTES).is_file()


def identity_of(found: Path | Card) -> Any:
    """Return the identity of DATA, to recognise changes: names, sizes and times of its files."""
    if not isinstance(found, Path):
        return found.name
    if found == STANDARD_INPUT:
        return None
    facts = [(str(path), path.stat()) for path in data_files(found)]
    return [[name, fact.st_size, fact.st_mtime_ns] for name, fact in facts]


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a model file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:60] + "..."


@contextlib.contextmanager
def _standard_output_writer(name: str, n_rows: int) -> Iterator[FileWriter]:
    """Yield the writer of ``n_rows`` rows to standard output."""
    from gensynth.tables.writer import FileWriter

    writer = FileWriter(sys.stdout.buffer, "arrow" if name == "arrow" else "csv", Path("standard output"), n_rows)
    yield writer
    writer.close()
    sys.stdout.buffer.flush()
