"""Checkpoints of a training run: plain types and tensors only, read without running code from the file."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import torch

from gensynth.errors import ModelFileError, OptionError
from gensynth.files import atomic_write
from gensynth.model import Batch, GenerativeModel, Stage

FORMAT = 1
MAX_SHARE = 0.1
"""Share of the run that writing checkpoints may take."""


def fingerprint(
    model: GenerativeModel, stages: tuple[Stage, ...], table: Batch, options: dict[str, Any], identity: str
) -> dict[str, str]:
    """Return digests of what a resumed run must share with the interrupted one, each under a name for the error."""
    rows = hashlib.sha256()
    for tensor in (table.numeric, table.codes):
        rows.update(repr(tuple(tensor.shape)).encode())
        rows.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    shapes = {name: [str(t.dtype), *t.shape] for name, t in model.state_dict().items()}
    phases = [
        [s.name, s.share, s.decay_on_plateau, p.name, p.every, p.learning_rate, p.betas, p.weight_decay]
        for s in stages
        for p in s.phases
    ]

    def digest(value: object) -> str:
        return hashlib.sha256(json.dumps(value, sort_keys=True, default=repr).encode()).hexdigest()

    return {
        "table": rows.hexdigest(),
        "model": digest([type(model).__qualname__, identity, repr(model), shapes, phases]),
        **{f"option {name}": repr(value) for name, value in options.items()},
    }


class CheckpointFile:
    """Where a run writes its state, and reads it back.

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
        """Return whether a write now keeps the time for writing below `MAX_SHARE`."""
        return time.monotonic() - self._last >= self._cost / MAX_SHARE

    def write(self, state: dict[str, Any]) -> None:
        """Write ``state`` atomically."""
        began = time.monotonic()
        with atomic_write(self.path) as stream:
            torch.save({"format": FORMAT, "marks": self.marks, **state}, stream)
        self._last = time.monotonic()
        self._cost = self._last - began

    def read(self) -> dict[str, Any]:
        """Return the state last written.

        Raises
        ------
        OptionError
            There is no checkpoint, or it belongs to another table, model or setting.
        ModelFileError
            The file is damaged or not a checkpoint.
        """
        if not self.path.exists():
            raise OptionError(f"there is no checkpoint {str(self.path)!r} to resume from; train without resume first")
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises a dozen kinds, according to where the damage is
            raise ModelFileError(f"{str(self.path)!r} is not a readable checkpoint: {error}") from error
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise ModelFileError(f"{str(self.path)!r} is not a checkpoint of format {FORMAT}")
        different = [name for name, mark in self.marks.items() if state["marks"].get(name) != mark]
        if different:
            raise OptionError(
                f"checkpoint {str(self.path)!r} belongs to another run (different: {', '.join(different)}); "
                "train without resume, or with what the checkpoint was written with"
            )
        return dict(state)
