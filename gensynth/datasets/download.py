"""Downloads of data sets, verified by SHA-256 and cached."""

from __future__ import annotations

import hashlib
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from gensynth.datasets.card import Card
from gensynth.errors import DataError
from gensynth.files import atomic_write

_TIMEOUT = 60.0  # seconds without an answer before a download is given up


def download(found: Card, folder: Path) -> Path:
    """Return the file of a data set, or the folder of its files, downloading what is not in ``folder``.

    Raises
    ------
    DataError
        A download fails, or a SHA-256 is not the card's (that file is not kept then).
    """
    address = str(found.address)
    if found.files:
        for name, digest in found.files.items():
            _get(found, address + name, digest, folder / found.name / name)
        return folder / found.name
    ending = "".join(Path(urllib.parse.urlparse(address).path).suffixes[-2:])
    return _get(found, address, str(found.sha256), folder / f"{found.name}-{str(found.sha256)[:12]}{ending}")


def cache_folder() -> Path:
    """Return the download folder: ``$GENSYNTH_CACHE``, else gensynth's folder in the user's cache."""
    if own := os.environ.get("GENSYNTH_CACHE"):
        return Path(own)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "gensynth" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gensynth"


def _get(found: Card, address: str, digest: str, path: Path) -> Path:
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(found, address, digest, path)
    except (OSError, urllib.error.URLError) as error:
        raise DataError(
            f"data set {found.name!r}: downloading {address} to {path} failed: {error}; try again, or fetch the "
            f"{'files by hand and pass their folder' if found.files else 'file by hand and pass its path'}"
        ) from error
    return path


def _fetch(found: Card, address: str, expected: str, path: Path) -> None:
    digest = hashlib.sha256()
    with atomic_write(path) as file, urllib.request.urlopen(address, timeout=_TIMEOUT) as answer:
        while block := answer.read(1 << 20):
            digest.update(block)
            file.write(block)
        if digest.hexdigest() != expected:
            raise DataError(
                f"data set {found.name!r}: {address} has SHA-256 {digest.hexdigest()}, its card says "
                f"{expected}: the file changed or was damaged on its way; nothing was kept"
            )
