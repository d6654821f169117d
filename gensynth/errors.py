"""Every error that gensynth raises on purpose.

A message says what came, what was expected and what to do. Each class also derives from the built-in
exception that scikit-learn users expect, so ``except ValueError`` keeps working.
"""

from __future__ import annotations

import contextlib
import itertools
import shlex
from collections.abc import Collection, Iterator
from contextvars import ContextVar
from typing import Any

_command_line: ContextVar[bool] = ContextVar("command_line", default=False)


@contextlib.contextmanager
def command_line_hints() -> Iterator[None]:
    """Within this block hints name options of the command line instead of Python arguments."""
    token = _command_line.set(True)
    try:
        yield
    finally:
        _command_line.reset(token)


def on_command_line() -> bool:
    """Whether hints are for somebody at the command line."""
    return _command_line.get()


def declare_hint(name: str | int, kind: str) -> str:
    """Return how a column is declared to be of a kind: ``schema={'zip': 'categorical'}`` or ``--schema zip=...``."""
    return f"--schema {shlex.quote(f'{name}={kind}')}" if on_command_line() else f"schema={{{name!r}: {kind!r}}}"


def hint(python: str, command_line: str = "") -> str:
    """Return the one of two hints that fits whoever reads the message."""
    return command_line if on_command_line() else python


def shown(value: object) -> str:
    """Return a value as it is written plainly: ``nan`` and ``0``, not ``np.float64(nan)`` and ``np.int64(0)``."""
    if isinstance(value, list | tuple | set | frozenset):
        inside = ", ".join(map(shown, value))
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside})" if isinstance(value, tuple) else f"{{{inside}}}"
    if isinstance(value, float):  # numpy's own texts, numbers and bytes derive from Python's
        return float.__repr__(value)
    if isinstance(value, str):
        return str.__repr__(value)
    plain = value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value
    return repr(plain) if type(plain).__module__ == "builtins" else str(plain)


def counted(n: int, noun: str, several: str = "") -> str:
    """Return a count with its noun: ``1 row``, ``1,200 rows``; ``several`` is a plural that takes more than an s."""
    return f"{n:,} {noun if n == 1 else several or noun + 's'}"


def listed(values: Collection[object], most: int = 10) -> str:
    """Return values with commas between them; how many more there are, if there are more than ``most``."""
    first = ", ".join(map(repr, itertools.islice(values, most)))
    return first if len(values) <= most else f"{first} and {len(values) - most:,} more"


class GensynthError(Exception):
    """Base of every error raised by gensynth; the command line prints it and exits with code 2."""


class DataError(GensynthError, ValueError):
    """The rows cannot be used; the message names the column or row, and the remedy."""


class ImageError(DataError):
    """An image cannot be used.

    Parameters
    ----------
    text : str
        What is wrong; ``{place}`` in it stands for what says where the image is.
    row : int
        Its row.
    place : str
        Where it is; "" for the row.
    """

    def __init__(self, text: str, row: int = 0, place: str = "") -> None:
        self.text, self.row = text, row
        super().__init__(text.replace("{place}", place or f"row {row:,}"))


class FewRowsError(DataError):
    """A table has too few rows, or values, for what was to be computed."""


class SchemaError(DataError):
    """A declared or stored schema and the table do not fit each other."""


class ConditionError(DataError):
    """A condition names an unknown column, or a value that the fitted table never held."""


class OptionError(GensynthError, ValueError):
    """A parameter or command-line option has a value that it cannot have."""


class OutputError(GensynthError):
    """A file cannot be written: permission, a full disk."""


class CapabilityError(GensynthError, ValueError):
    """The model family cannot do what was asked; the message names one that can."""


class TrainingError(GensynthError, RuntimeError):
    """Training cannot go on (a loss or a gradient that is not finite); names phase and step."""


class ModelFileError(GensynthError, ValueError):
    """A ``.gensynth`` file is damaged, tampered with, too new, or not one at all."""


class PluginError(GensynthError, RuntimeError):
    """A plugin could not be loaded or breaks the contract."""


class MissingPackageError(GensynthError, ImportError):
    """A package that one feature needs is not installed; names the extra that brings it."""


class ExportError(GensynthError, RuntimeError):
    """An exported graph does not compute what the fitted model does, or is too large for its format."""


class ClusterError(GensynthError, RuntimeError):
    """The workers of a cluster cannot be reached, or are lost again and again."""


class UnknownModelError(GensynthError, KeyError):
    """No registered model has this name (or several have it: write ``distribution/name``)."""

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0]) if self.args else ""


class ColumnWarning(UserWarning):
    """The inferred kind of a column is ambiguous; the message says how to declare it."""


class UnseenValuesWarning(ColumnWarning):
    """None of the values of a column was there in the fit.

    Parameters
    ----------
    message : str
        What to say.
    column : str or int
        The column.
    """

    def __init__(self, message: str, column: str | int) -> None:
        super().__init__(message)
        self.column = column

    def __reduce__(self) -> Any:
        return type(self), (str(self), self.column)


class IdentifierWarning(ColumnWarning):
    """A column of keys was found: it is not learned, and sampled rows get new keys of the same pattern."""


class FileWarning(UserWarning):
    """The format of a file is ambiguous; the message says how it was read or written."""


class DriftWarning(UserWarning):
    """The distributions of some columns are not those of the fit.

    Parameters
    ----------
    message : str
        What to say.
    columns : tuple of str or int
        The columns.
    """

    def __init__(self, message: str, columns: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.columns = columns

    def __reduce__(self) -> Any:
        return type(self), (str(self), self.columns)


class FewRowsWarning(UserWarning):
    """A table has too few rows for reliable results."""


class CollapseWarning(UserWarning):
    """Training collapsed: what the model generates is no better than columns drawn independently, or all alike."""


class IgnoredColumnWarning(UserWarning):
    """A table holds columns that the fitted schema does not know; they are left out."""
