"""Notes on the terminal."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest
from command_line import QUICK, Run

from gensynth.training import progress
from gensynth.training.trainer import Trainer


def test_notes_come_once_and_never_within_a_bar(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = Trainer.run

    def with_warnings(self, *a, **k):
        with progress.Progress(True):
            for _ in range(3):
                warnings.warn("a column is odd", UserWarning, stacklevel=1)
            print("bar", file=sys.stderr)
        return trained(self, *a, **k)

    monkeypatch.setattr(Trainer, "run", with_warnings)
    warned = run("fit", "good.csv", "-o", "out.gensynth", *QUICK)
    assert warned.code == 0, warned.err
    assert warned.err.count("a column is odd") == 1
    assert warned.err.index("bar") < warned.err.index("a column is odd") < warned.err.index("of training")
    assert not progress.is_shown()
