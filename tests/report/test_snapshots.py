from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from gensynth.errors import CapabilityError
from gensynth.model import Batch
from gensynth.report.snapshots import GridSnapshots
from gensynth.training.callbacks import EvaluationRound


class Noise(torch.nn.Module):
    """Stands for a model of images: noise that is as bright as it was told."""

    def __init__(self, channels: int | None = 3) -> None:
        super().__init__()
        self.brightness = torch.nn.Parameter(torch.tensor(1.0))
        self.channels = channels

    def generate(self, n: int, rng: torch.Generator) -> Batch:
        empty = torch.zeros(n, 0)
        if self.channels is None:
            return Batch(empty, empty.long())
        return Batch(empty, empty.long(), pixels=self.brightness * torch.rand(n, self.channels, 6, 5, generator=rng))


def evaluated(model: Any, step: int) -> EvaluationRound:
    return EvaluationRound("the game", 1.0, step, 2.0 * step, {"critic": 0.5}, 1.0 / step, 0.1, 1e-3, {}, model)


def test_a_picture_and_a_line_for_every_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    model, watcher = Noise(), GridSnapshots(tmp_path, n=9)
    watcher.on_round(evaluated(model, 10))
    first = (tmp_path / "latest.png").read_bytes()
    watcher.on_round(evaluated(model, 20))
    assert (tmp_path / "latest.png").read_bytes() == first  # always from the same noise
    with torch.no_grad():
        model.brightness.mul_(0.5)
    watcher.on_round(evaluated(model, 30))
    assert (tmp_path / "latest.png").read_bytes() != first
    names = ["the-game-0000010.png", "the-game-0000020.png", "the-game-0000030.png"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names, "latest.png", "history.csv"])
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["step"].tolist() == [10, 20, 30]
    assert {"loss_critic", "monitor", "seconds"} <= set(history)


def test_the_history_is_drawn_where_matplotlib_is_there(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the drawing needs matplotlib")
    watcher = GridSnapshots(tmp_path, n=4)
    for step in (10, 20):
        watcher.on_round(evaluated(Noise(1), step))
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")


def test_training_draws_the_same_numbers_as_without(tmp_path: Path) -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    GridSnapshots(tmp_path, n=4).on_round(evaluated(Noise(), 10))
    assert torch.equal(torch.rand(3), expected)


def test_rows_without_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CapabilityError, match="pictures of a training are of images"):
        GridSnapshots(tmp_path).on_round(evaluated(Noise(None), 10))
