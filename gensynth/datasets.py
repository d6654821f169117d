"""Named data sets: a card (TOML) says what a set is and where its rows come from.

A card holds ``title``, ``source``, ``licence``, ``columns`` and exactly one origin:

- ``loader = "package.module:function"``: called without arguments, or as scikit-learn's loaders are;
- ``maker = "file.py"``: a Python file beside the card whose ``make()`` returns the table (simulated sets);
- ``address = "https://..."`` with ``sha256``: a file that is downloaded once, checked and kept in the cache.

gensynth's own cards travel in the wheel; plugins add theirs with the hook `gensynth.hookspecs.register_datasets`.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import os
import re
import runpy
import sys
import tomllib
import urllib.error
import urllib.parse
import urllib.request
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gensynth.errors import DataError
from gensynth.files import atomic_write

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Card", "cache_folder", "card", "cards", "fetch", "load"]

Task = Literal["classification", "regression", "none"]

_HERE = Path(__file__).resolve().parent
_TEXTS = ("title", "description", "source", "licence", "loader", "maker", "address", "sha256", "target", "task")
_ORIGINS = ("loader", "maker", "address")
_TIMEOUT = 60.0  # seconds without an answer before a download is given up


@dataclass(frozen=True)
class Card:
    """What is known about a data set before it is read.

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
        Origin of the rows; see the module.
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
        unknown = sorted(set(entries) - {*_TEXTS, "columns"})
        if unknown:
            raise DataError(f"the data set card {path} has unknown keys {unknown}; known: {[*_TEXTS, 'columns']}")
        for key in _TEXTS:
            if not isinstance(entries.get(key, ""), str):
                raise DataError(f"the data set card {path}: {key} must be a text, not {entries[key]!r}")
        missing = [key for key in ("title", "source", "licence", "columns") if not entries.get(key)]
        if missing:
            raise DataError(f"the data set card {path} lacks {', '.join(missing)}")
        origins = [key for key in _ORIGINS if entries.get(key)]
        if len(origins) != 1:
            raise DataError(f"the data set card {path} must have exactly one of {', '.join(_ORIGINS)}, has {origins}")
        if ("address" in entries) != ("sha256" in entries):
            raise DataError(f"the data set card {path} must have address and sha256 together")
        if "sha256" in entries and not re.fullmatch("[0-9a-f]{64}", entries["sha256"]):
            raise DataError(f"the data set card {path}: sha256 must be 64 hexadecimal digits, lower case")
        columns = entries["columns"]
        if not isinstance(columns, dict) or not all(isinstance(text, str) for text in columns.values()):
            raise DataError(f"the data set card {path}: columns must map names to texts ('kind' or 'kind: meaning')")
        if entries.get("target", next(iter(columns))) not in columns:
            raise DataError(f"the data set card {path}: the target {entries['target']!r} is not among its columns")
        if entries.get("task", "none") not in ("classification", "regression", "none"):
            raise DataError(f"the data set card {path}: task must be classification, regression or none")
        return cls(name=path.stem, path=path, **entries)


def cards() -> dict[str, Card]:
    """Return the cards of all data sets by name, gensynth's own and those of plugins.

    A plugin's card that is broken, or whose name is taken, is left out with a `PluginWarning`.

    Raises
    ------
    DataError
        One of gensynth's own cards is broken.
    """
    from gensynth.registry import PluginWarning, default_registry

    found = {read.name: read for read in map(Card.read, _files(_own_folder()))}
    for place in default_registry().datasets():
        for path in _files(place):
            try:
                read = Card.read(path)
            except DataError as error:
                warnings.warn(f"{error}; the other data sets are there", PluginWarning, stacklevel=2)
                continue
            if found.setdefault(read.name, read).path != path:
                message = f"the data set card {path} is left out: {found[read.name].path} has the same name"
                warnings.warn(message, PluginWarning, stacklevel=2)
    return dict(sorted(found.items()))


def card(name: str) -> Card:
    """Return the card of a data set.

    Raises
    ------
    DataError
        There is no such set; the message suggests the nearest names.
    """
    known = cards()
    if name not in known:
        close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise DataError(f"no data set is named {name!r}: {hint}there are {', '.join(known)}")
    return known[name]


def load(name: str) -> tuple[pd.DataFrame, Card]:
    """Return the table of a data set and its card.

    Parameters
    ----------
    name : str
        Name of the set; `cards` lists them.

    Returns
    -------
    frame : DataFrame
        Its columns are those of the card, in that order.
    card : Card

    Raises
    ------
    DataError
        There is no such set, it cannot be fetched, or its columns are not those of the card.

    Examples
    --------
    >>> from gensynth import datasets
    >>> frame, card = datasets.load("wine")
    >>> frame.shape, card.target
    ((178, 14), 'target')
    """
    found = card(name)
    if found.loader is not None:
        frame = _from_loader(found)
    elif found.maker is not None:
        # run_path leaves sys.path and sys.modules alone: the file beside the card runs, whatever the folder is
        frame = runpy.run_path(str(found.path.parent / found.maker))["make"]()
    else:
        from gensynth.tables import read_table

        frame = read_table(fetch(name)).frame
    if list(frame.columns) != list(found.columns):
        wrong = sorted(set(map(str, frame.columns)) ^ set(found.columns))
        raise DataError(f"data set {name!r}: its columns are not those of its card {found.path}: {wrong or 'order'}")
    return frame, found


def fetch(name: str, folder: str | Path | None = None) -> Path:
    """Download the file of a data set that has an address, unless it is in the cache; return its path.

    Parameters
    ----------
    name : str
        Name of the set.
    folder : path, optional
        Cache; default: `cache_folder`.

    Raises
    ------
    DataError
        The set has no address, the download fails, or its SHA-256 is not the card's (nothing is kept then).
    """
    found = card(name)
    if found.address is None:
        raise DataError(f"data set {name!r} has no address to download: gensynth.datasets.load makes it")
    folder = cache_folder() if folder is None else Path(folder)
    ending = "".join(Path(urllib.parse.urlparse(found.address).path).suffixes[-2:])
    path = folder / f"{name}-{str(found.sha256)[:12]}{ending}"
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == found.sha256:
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _download(found, path)
    except (OSError, urllib.error.URLError) as error:
        raise DataError(
            f"data set {name!r}: downloading {found.address} to {path} failed: {error}; try again, or fetch the "
            "file by hand and pass its path"
        ) from error
    return path


def cache_folder() -> Path:
    """Return where downloads are kept: ``$GENSYNTH_CACHE``, else the user's cache folder for gensynth."""
    if own := os.environ.get("GENSYNTH_CACHE"):
        return Path(own)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "gensynth" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gensynth"


def _files(place: Path) -> list[Path]:
    return sorted(place.glob("*.toml")) if place.is_dir() else [place]


def _own_folder() -> Path:
    """Return the folder of gensynth's cards: inside the wheel, or beside the package in a checkout."""
    inside = _HERE / "_cards"
    folder = inside if inside.is_dir() else _HERE.parent / "datasets"
    if not any(folder.glob("*.toml")):
        raise DataError(f"gensynth's data set cards are missing from {folder}: reinstall gensynth")
    return folder


def _from_loader(found: Card) -> pd.DataFrame:
    """Call the loader; scikit-learn's classes come back under their names, so that a table says what it holds."""
    module, _, function = str(found.loader).partition(":")
    call = getattr(importlib.import_module(module), function)
    if not module.startswith("sklearn."):
        frame: pd.DataFrame = call()
        return frame
    bunch = call(as_frame=True, **({"scaled": False} if function == "load_diabetes" else {}))
    frame = bunch.frame
    names = bunch.get("target_names")
    if names is not None and any(isinstance(name, str) for name in names):
        frame["target"] = frame["target"].map(dict(enumerate(map(str, names))))
    return frame


def _download(found: Card, path: Path) -> None:
    digest = hashlib.sha256()
    with atomic_write(path) as file, urllib.request.urlopen(str(found.address), timeout=_TIMEOUT) as answer:
        while block := answer.read(1 << 20):
            digest.update(block)
            file.write(block)
        if digest.hexdigest() != found.sha256:
            raise DataError(
                f"data set {found.name!r}: {found.address} has SHA-256 {digest.hexdigest()}, its card says "
                f"{found.sha256}: the file changed or was damaged on its way; nothing was kept"
            )
