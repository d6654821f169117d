from __future__ import annotations

from toy_models import toy_batch
from toy_runs import QUICK, build

from gensynth.training import Trainer


def test_progress_bar_shows_stage_and_losses(capsys):
    Trainer(**{**QUICK, "progress": True}).run(build(), toy_batch(), 0)
    captured = capsys.readouterr()
    assert "codes" in captured.err
    assert captured.out == ""


def test_progress_is_silent_without_a_terminal(capsys):
    Trainer(**{**QUICK, "progress": "auto"}).run(build(), toy_batch(), 0)
    assert capsys.readouterr() == ("", "")
