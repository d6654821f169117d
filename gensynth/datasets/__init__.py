"""Named data sets: a card (TOML) describes a data set and the source of its rows.

A card holds ``title``, ``source``, ``licence``, ``columns`` and exactly one origin:

- ``loader = "package.module:function"``: called without arguments, or as scikit-learn's loaders are;
- ``maker = "file.py"``: a Python file beside the card whose ``make()`` returns the table (simulated sets);
- ``address = "https://..."`` with ``sha256``: a file that is downloaded once, checked and kept in the cache; or with a
  table ``files`` of names and checksums: the files that have these names at this address.

gensynth's own cards travel in the wheel; plugins add theirs with the hook `gensynth.hookspecs.register_datasets`.
"""

from __future__ import annotations

import difflib
import importlib
import runpy
import urllib.parse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.datasets.card import Card
from gensynth.datasets.download import cache_folder, download
from gensynth.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Card", "cache_folder", "card", "cards", "fetch", "load"]

_PACKAGE = Path(__file__).resolve().parent.parent


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


def load(name: str, folder: str | Path | None = None) -> tuple[pd.DataFrame, Card]:
    """Return the table of a data set and its card.

    Parameters
    ----------
    name : str
        Name of the set; `cards` lists them.
    folder : path or None
        Where the files lie of a set that is otherwise downloaded; they are read as they are.

    Returns
    -------
    frame : DataFrame
        Its columns are those of the card, in that order. Images are arrays, one per cell.
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
    if folder is not None and found.address is None:
        raise DataError(f"data set {name!r} has no files to read from a folder: it is made without any")
    if found.loader is not None:
        frame = _from_loader(found)
    elif found.maker is not None:
        # run_path leaves sys.path and sys.modules alone: the file beside the card runs, whatever the folder is
        frame = runpy.run_path(str(found.path.parent / found.maker))["make"]()
    else:
        frame = _from_files(found, fetch(name) if folder is None else _given(found, Path(folder)))
    if list(frame.columns) != list(found.columns):
        wrong = sorted(set(map(str, frame.columns)) ^ set(found.columns))
        raise DataError(f"data set {name!r}: its columns are not those of its card {found.path}: {wrong or 'order'}")
    return frame, found


def fetch(name: str, folder: str | Path | None = None) -> Path:
    """Download a data set, unless it is cached; return its file, or folder of files.

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
    return download(found, cache_folder() if folder is None else Path(folder))


def _files(place: Path) -> list[Path]:
    return sorted(place.glob("*.toml")) if place.is_dir() else [place]


def _own_folder() -> Path:
    """Return the folder of gensynth's cards: inside the wheel, or beside the package in a checkout."""
    inside = _PACKAGE / "_cards"
    folder = inside if inside.is_dir() else _PACKAGE.parent / "datasets"
    if not any(folder.glob("*.toml")):
        raise DataError(f"gensynth's data set cards are missing from {folder}: reinstall gensynth")
    return folder


def _from_loader(found: Card) -> pd.DataFrame:
    """Call the loader; replace scikit-learn's class numbers by their names."""
    module, _, function = str(found.loader).partition(":")
    call = getattr(importlib.import_module(module), function)
    if not module.startswith("sklearn."):
        frame: pd.DataFrame = call()
        return frame
    if found.images:
        from gensynth.tables.images import image_frame

        bunch = call()
        return image_frame(bunch.images.astype("uint8"), bunch.target)
    bunch = call(as_frame=True, **({"scaled": False} if function == "load_diabetes" else {}))
    frame = bunch.frame
    names = bunch.get("target_names")
    if names is not None and any(isinstance(name, str) for name in names):
        frame["target"] = frame["target"].map(dict(enumerate(map(str, names))))
    return frame


def _from_files(found: Card, path: Path) -> pd.DataFrame:
    """Return the table of a data set's file, or folder of files."""
    if found.images:
        from gensynth.tables.images import read_images

        return read_images(path).frame
    from gensynth.tables import read_table

    return read_table(path).frame


def _given(found: Card, folder: Path) -> Path:
    """Return the data of a folder that contains the user's copy of the files."""
    if found.files:
        return folder
    return folder / Path(urllib.parse.urlparse(str(found.address)).path).name
