"""Members of a ``.gensynth`` file: written in one piece, verified by checksum when read."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as safetensors_numpy

from gensynth.errors import ModelFileError
from gensynth.files import atomic_write
from gensynth.version import __version__

FORMAT = 3
"""File format that this version writes and reads. Format 1 was that of development versions."""

_MANIFEST = "manifest.json"
_STATE = "state.json"
_MAX_MEMBERS = 100
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Archive:
    """What a file holds.

    Parameters
    ----------
    kind : str
        Kind of estimator ("synthesizer", "detector").
    state : dict
        Plain JSON values.
    arrays : mapping of str to ndarray
        Fitted state of the encoder, histories.
    weights : bytes
        Weights of the networks as safetensors.
    version : str
        The gensynth that wrote the file.
    """

    kind: str
    state: dict[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    weights: bytes
    version: str = __version__


def write_archive(archive: Archive, path: str | os.PathLike[str]) -> None:
    """Write a file atomically; equal contents give equal bytes.

    Raises
    ------
    OSError
        The folder is missing or not writable, or the disk is full.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in archive.arrays.items()}
    members = {
        _STATE: _to_json(archive.state),
        "arrays.safetensors": safetensors_numpy.save(arrays),
        "weights.safetensors": archive.weights,
    }
    manifest = {
        "format": FORMAT,
        "gensynth": __version__,
        "kind": archive.kind,
        "members": {name: {"sha256": _digest(data), "size": len(data)} for name, data in members.items()},
    }
    with atomic_write(path) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as zipped:
        for name, data in {_MANIFEST: _to_json(manifest), **members}.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = 0o644 << 16
            zipped.writestr(entry, data)


def read_archive(path: str | os.PathLike[str]) -> Archive:
    """Read a file and check all of it: structure, sizes, checksums, format.

    Raises
    ------
    ModelFileError
        There is no such file, it is not a ``.gensynth`` file, it is damaged, or too new.
    """
    name = str(Path(path))
    try:
        with Path(path).open("rb") as stream:
            members = _read_members(stream, name)
    except FileNotFoundError as error:
        raise ModelFileError(f"there is no file {name!r}") from error
    except OSError as error:
        raise ModelFileError(f"{name!r} cannot be read: {error}") from error
    manifest = members.pop(_MANIFEST)
    try:
        arrays = safetensors_numpy.load(members["arrays.safetensors"])
        state = _from_json(members[_STATE], name)
        weights = members["weights.safetensors"]
    except KeyError as error:
        raise _damaged(name, f"it lacks the member {error}") from error
    except SafetensorError as error:
        raise _damaged(name, f"its arrays cannot be read: {error}") from error
    return Archive(str(manifest.get("kind")), state, arrays, weights, str(manifest.get("gensynth")))


def _read_members(stream: IO[bytes], name: str) -> dict[str, Any]:
    """Return the manifest (parsed) and the bytes of every other member."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as zipped:
            entries = {entry.filename: entry for entry in zipped.infolist()}
            _check_entries(zipped.infolist(), size, name)
            manifest = _from_json(zipped.read(_MANIFEST), name) if _MANIFEST in entries else None
            listed = _check_manifest(manifest, name)
            if set(entries) != {_MANIFEST, *listed}:
                raise _damaged(name, "its members are not those of its manifest")
            members: dict[str, Any] = {_MANIFEST: manifest}
            for member, mark in listed.items():
                if entries[member].file_size != mark.get("size"):
                    raise _damaged(name, f"member {member!r} does not have the size in the manifest")
                members[member] = zipped.read(member)
                if _digest(members[member]) != mark.get("sha256"):
                    raise _damaged(name, f"member {member!r} does not have the checksum in the manifest")
    except ModelFileError:
        raise
    except Exception as error:  # zipfile raises a dozen kinds, according to which byte is wrong
        raise _damaged(name, f"{type(error).__name__}: {error}") from error
    return members


def _check_entries(entries: list[zipfile.ZipInfo], size: int, name: str) -> None:
    names = [entry.filename for entry in entries]
    if len(names) > _MAX_MEMBERS or len(set(names)) < len(names):
        raise _damaged(name, "it has members of the same name, or too many")
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
        raise _damaged(name, "it has compressed or encrypted members")
    if any(entry.compress_size != entry.file_size for entry in entries) or sum(e.file_size for e in entries) > size:
        raise _damaged(name, "its members claim to be larger than the file")


def _check_manifest(manifest: Any, name: str) -> dict[str, dict[str, Any]]:
    if not isinstance(manifest, dict):
        raise _damaged(name, "it has no manifest")
    form = manifest.get("format")
    if not isinstance(form, int) or isinstance(form, bool) or form < 1:
        raise _damaged(name, f"format number {form!r}")
    if form > FORMAT:
        raise ModelFileError(
            f"{name!r} has format {form}, written by gensynth {manifest.get('gensynth')}; this gensynth "
            f"({__version__}) reads up to {FORMAT}: pip install --upgrade gensynth"
        )
    if form < FORMAT:
        raise ModelFileError(f"{name!r} has format {form}, which development versions of gensynth wrote: fit again")
    members = manifest.get("members")
    if not isinstance(members, dict) or not all(isinstance(mark, dict) for mark in members.values()):
        raise _damaged(name, "its manifest lists no members")
    return members


def _damaged(name: str, why: str) -> ModelFileError:
    return ModelFileError(f"{name!r} is damaged, was changed, or is not a .gensynth file: {why}")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _to_json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True).encode()


def _from_json(data: bytes, name: str) -> dict[str, Any]:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    try:
        value = json.loads(data, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise _damaged(name, f"its JSON cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise _damaged(name, "its JSON is not an object")
    return value
