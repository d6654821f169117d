"""A bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys

import pytest

from gensynth.cli.terminal import progress
from gensynth.cli.terminal.progress import progress_bar


def test_nothing_where_nobody_looks(capfd: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as tell:
        assert tell is None
    assert capfd.readouterr().err == ""


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar() as tell:
        assert tell is not None
        tell("detection", 0.5)
    shown = capsys.readouterr().err
    assert "detection" in shown
    assert "50 %" in shown
    monkeypatch.setattr(progress, "is_quiet", lambda: True)
    with progress_bar() as tell:
        assert tell is None
