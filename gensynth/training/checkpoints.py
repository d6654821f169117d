"""Checkpoints of a training run: plain types and tensors with a checksum; loading never runs code."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch

from gensynth.errors import ModelFileError, OptionError, on_command_line
from gensynth.files import atomic_write
from gensynth.model import Batch, Fit, GenerativeModel, Stage
from gensynth.training.cache import CachedRows

FORMAT = 2
MAX_SHARE = 0.1
"""Maximal fraction of the run time spent writing checkpoints."""

_MAGIC = b"gensynth checkpoint\n"
_MAX_HEADER = 2**20
_DIGESTS = ("table", "network", "sample_weight")
"""Fingerprint entries that are hashes, which messages do not show."""


def fingerprint(
    model: GenerativeModel,
    stages: tuple[Stage | Fit, ...],
    table: Batch | CachedRows,
    options: Mapping[str, Any],
    identity: Mapping[str, Any],
) -> dict[str, str]:
    """Return the properties that a resumed run must share with the interrupted one, named for errors.

    Parameters
    ----------
    model : GenerativeModel
        Freshly built.
    stages : tuple of Stage or Fit
        How it is trained.
    table : Batch or CachedRows
        All rows.
    options : mapping
        Parameters of the trainer.
    identity : mapping
        Everything else that decides, such as the recipe's parameters and the seed.
    """
    shapes = {name: [str(t.dtype), *t.shape] for name, t in model.state_dict().items()}
    phases = [
        [s.name, s.budget_fraction, s.decay_on_plateau, s.trim, p.name, p.every, repr(p.optimizer)]
        for s in stages
        if isinstance(s, Stage)
        for p in s.phases
    ]
    network = json.dumps([type(model).__qualname__, repr(model), shapes, phases], sort_keys=True, default=repr)
    return {
        **{name: repr(value) for name, value in identity.items()},
        **{f"trainer.{name}": repr(value) for name, value in options.items()},
        "rows": repr(len(table)),
        "table": table.digest() if isinstance(table, CachedRows) else _digest_of(table),
        "network": hashlib.sha256(network.encode()).hexdigest(),
    }


def _digest_of(table: Batch) -> str:
    rows = hashlib.sha256()
    images = () if table.pixels is None else (table.pixels,)
    for tensor in (table.numeric, table.codes, *images):
        rows.update(repr(tuple(tensor.shape)).encode())
        rows.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return rows.hexdigest()


@dataclass(frozen=True)
class CheckpointHeader:
    """Header of a checkpoint, readable without the state.

    Parameters
    ----------
    marks : dict of str to str
        Result of `fingerprint`.
    finished : bool
        Whether the run came to its end.
    """

    marks: dict[str, str]
    finished: bool


def read_header(path: str | os.PathLike[str]) -> CheckpointHeader:
    """Return the header of a checkpoint.

    Raises
    ------
    ModelFileError
        The file is not a checkpoint, or its beginning is damaged.
    OSError
        It cannot be read.
    """
    with Path(path).open("rb") as stream:
        header = _read_header(stream, Path(path))
    return CheckpointHeader(header["marks"], header["finished"])


class CheckpointFile:
    """The checkpoint file of a run.

    Parameters
    ----------
    path : path-like
        Replaced atomically at every write.
    marks : dict
        Result of `fingerprint`.
    """

    def __init__(self, path: str | os.PathLike[str], marks: dict[str, str]) -> None:
        self.path = Path(path)
        self.marks = marks
        self._cost = 0.0
        self._last = -float("inf")

    def is_due(self) -> bool:
        """Return whether a write now keeps the fraction of time for writing below `MAX_SHARE`."""
        return time.monotonic() - self._last >= self._cost / MAX_SHARE

    def write(self, state: dict[str, Any], *, finished: bool = False) -> None:
        """Write ``state`` atomically; ``finished``: the run is complete."""
        began = time.monotonic()
        packed = io.BytesIO()
        torch.save(state, packed)
        header = {"format": FORMAT, "marks": self.marks, "finished": finished, "size": packed.getbuffer().nbytes}
        line = json.dumps(header, sort_keys=True).encode() + b"\n"
        digest = _digest(line, packed.getbuffer())
        with atomic_write(self.path) as stream:
            stream.writelines((_MAGIC, digest, b"\n", line))
            stream.write(packed.getbuffer())
        self._last = time.monotonic()
        self._cost = self._last - began

    def read(self) -> dict[str, Any]:
        """Return the state last written.

        Raises
        ------
        OptionError
            There is no checkpoint, or it belongs to another table, model or setting; names what differs.
        ModelFileError
            The file is damaged or not a checkpoint.
        """
        if not self.path.exists():
            raise OptionError(
                f"there is no checkpoint {str(self.path)!r} to resume from; train without {_resume()} first"
            )
        with self.path.open("rb") as stream:
            header = _read_header(stream, self.path)
            data = stream.read()
        if len(data) != header["size"] or _digest(header["line"], data) != header["digest"]:
            raise _damaged(self.path, "its checksum is wrong: it was cut off or changed")
        different = [_difference(name, header["marks"].get(name), mark) for name, mark in self.marks.items()]
        if any(different):
            raise OptionError(
                f"checkpoint {str(self.path)!r} belongs to another run: {', '.join(filter(None, different))}; "
                f"train without {_resume()}, or with what the checkpoint was written with"
            )
        try:
            state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises a dozen kinds
            raise _damaged(self.path, f"its state cannot be read: {error}") from error
        return dict(state)


def _read_header(stream: BinaryIO, path: Path) -> dict[str, Any]:
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise ModelFileError(f"{str(path)!r} is not a checkpoint of gensynth, or its beginning is damaged")
    digest = stream.readline(_MAX_HEADER).rstrip(b"\n")
    line = stream.readline(_MAX_HEADER)
    try:
        header = json.loads(line)
        marks, finished, size = header["marks"], header["finished"], header["size"]
        if header["format"] != FORMAT or not isinstance(marks, dict):
            raise ValueError(f"format {header['format']!r}, expected {FORMAT}")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, f"its header cannot be read: {error}") from error
    return {"marks": marks, "finished": bool(finished), "size": size, "digest": digest, "line": line}


def _digest(line: bytes, data: bytes | memoryview) -> bytes:
    digest = hashlib.sha256(line)
    digest.update(data)
    return digest.hexdigest().encode()


def _difference(name: str, before: str | None, now: str) -> str:
    """Return the differences between the fingerprints of checkpoint and run, in words; "" if equal."""
    if before == now:
        return ""
    if name in _DIGESTS:
        return f"the {name} is another"
    return f"{name} was {before}, now {now}" if before is not None else f"{name} is new"


def _resume() -> str:
    return "--resume" if on_command_line() else "resume"


def _damaged(path: Path, why: str) -> ModelFileError:
    return ModelFileError(f"checkpoint {str(path)!r} is damaged: {why}; train without {_resume()} to start over")
