"""The card (TOML) of a data set: description, columns, and the source of its rows."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gensynth.errors import DataError

Task = Literal["classification", "regression", "none"]

_TEXTS = ("title", "description", "source", "licence", "loader", "maker", "address", "sha256", "target", "task")
_TABLES = ("columns", "files")
_ORIGINS = ("loader", "maker", "address")


@dataclass(frozen=True)
class Card:
    """Description of a data set.

    Parameters
    ----------
    name : str
        Name of the set: the name of the card's file without ``.toml``.
    title, description, source, licence : str
        One line, a paragraph, where the set comes from, and the terms it may be used under.
    target : str or None
        Column that is usually predicted.
    task : {"classification", "regression", "none"}
        What predicting the target is.
    columns : dict of str to str
        Kind and, after a colon, the meaning of each column, in the order of the table.
    loader, maker, address, sha256 : str or None
        Origin of the rows; see `gensynth.datasets`.
    files : dict of str to str
        SHA-256 of each file that is downloaded, where there are several.
    path : Path
        File of the card.
    """

    name: str
    title: str
    source: str
    licence: str
    path: Path
    description: str = ""
    target: str | None = None
    task: Task = "none"
    columns: dict[str, str] = field(default_factory=dict)
    loader: str | None = None
    maker: str | None = None
    address: str | None = None
    sha256: str | None = None
    files: dict[str, str] = field(default_factory=dict)

    @property
    def images(self) -> bool:
        """Whether each row has an image."""
        return "image" in self.kinds.values()

    @property
    def kinds(self) -> dict[str, str]:
        """Kind of each column, without its meaning."""
        return {name: text.partition(":")[0].strip() for name, text in self.columns.items()}

    @classmethod
    def read(cls, path: str | Path) -> Card:
        """Read and check a card.

        Raises
        ------
        DataError
            The file is missing, is not TOML, or lacks what a card needs; names the file and the key.
        """
        path = Path(path)
        try:
            entries: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise DataError(f"the data set card {path} cannot be read: {error}") from error
        unknown = sorted(set(entries) - {*_TEXTS, *_TABLES})
        if unknown:
            raise DataError(f"the data set card {path} has unknown keys {unknown}; known: {[*_TEXTS, *_TABLES]}")
        for key in _TEXTS:
            if not isinstance(entries.get(key, ""), str):
                raise DataError(f"the data set card {path}: {key} must be a text, not {entries[key]!r}")
        missing = [key for key in ("title", "source", "licence", "columns") if not entries.get(key)]
        if missing:
            raise DataError(f"the data set card {path} lacks {', '.join(missing)}")
        origins = [key for key in _ORIGINS if entries.get(key)]
        if len(origins) != 1:
            raise DataError(f"the data set card {path} must have exactly one of {', '.join(_ORIGINS)}, has {origins}")
        _check_download(entries, path)
        columns = entries["columns"]
        if not isinstance(columns, dict) or not all(isinstance(text, str) for text in columns.values()):
            raise DataError(f"the data set card {path}: columns must map names to texts ('kind' or 'kind: meaning')")
        if entries.get("target", next(iter(columns))) not in columns:
            raise DataError(f"the data set card {path}: the target {entries['target']!r} is not among its columns")
        if entries.get("task", "none") not in ("classification", "regression", "none"):
            raise DataError(f"the data set card {path}: task must be classification, regression or none")
        return cls(name=path.stem, path=path, **entries)


def _check_download(entries: dict[str, Any], path: Path) -> None:
    """Raise `DataError` unless address and checksums are both given or both absent."""
    files = entries.get("files", {})
    if not isinstance(files, dict) or not all(isinstance(digest, str) for digest in files.values()):
        raise DataError(f"the data set card {path}: files must map names to the SHA-256 of each")
    if ("address" in entries) != (("sha256" in entries) or bool(files)) or ("sha256" in entries and files):
        raise DataError(f"the data set card {path} must have address and sha256 together, or address and files")
    if files and not str(entries["address"]).endswith("/"):
        raise DataError(f"the data set card {path}: the address of several files must end in /")
    digests = [entries["sha256"]] if "sha256" in entries else list(files.values())
    if not all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests):
        raise DataError(f"the data set card {path}: sha256 must be 64 hexadecimal digits, lower case")
    if any(name != Path(name).name for name in files):
        raise DataError(f"the data set card {path}: names of files must not name folders")
