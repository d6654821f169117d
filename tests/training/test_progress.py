from __future__ import annotations

import sys
import types
from typing import Any

import pytest
from rich.console import Console
from toy_models import toy_batch
from toy_runs import QUICK, build

from gensynth.training import Trainer, progress


def test_progress_bar_shows_stage_and_losses(capsys):
    Trainer(**{**QUICK, "progress": True}).run(build(), toy_batch(), 0)
    captured = capsys.readouterr()
    assert "codes" in captured.err
    assert captured.out == ""


def test_progress_is_silent_without_a_terminal(capsys):
    Trainer(**{**QUICK, "progress": "auto"}).run(build(), toy_batch(), 0)
    assert capsys.readouterr() == ("", "")


class Widget:
    """Stands in for ipywidgets' Output: what is displayed within it is its state."""

    made: list[Widget]
    open: Widget | None = None

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.cleared = 0
        Widget.made.append(self)

    def __enter__(self) -> Widget:
        Widget.open = self
        return self

    def __exit__(self, *_: object) -> None:
        Widget.open = None

    def clear_output(self, *, wait: bool) -> None:
        assert wait
        self.cleared += 1


@pytest.fixture
def notebook(monkeypatch) -> list[Widget]:
    """Pretend to run in a notebook, and return the widgets that are made there."""
    Widget.made = []

    def display(what: Any, **_: Any) -> None:
        if Widget.open is not None:
            Widget.open.shown.append(what._repr_mimebundle_([], [])["text/plain"])

    inside = types.ModuleType("IPython.display")
    monkeypatch.setattr(inside, "display", display, raising=False)
    widgets = types.ModuleType("ipywidgets")
    monkeypatch.setattr(widgets, "Output", Widget, raising=False)
    for name, module in {"IPython": types.ModuleType("IPython"), "IPython.display": inside}.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "ipywidgets", widgets)
    monkeypatch.setattr(progress, "_console", lambda: Console(stderr=True, force_jupyter=True))
    return Widget.made


def test_a_notebook_shows_one_widget_that_ends_complete(notebook, capsys):
    Trainer(**{**QUICK, "progress": "auto"}).run(build(), toy_batch(), 0)
    assert capsys.readouterr() == ("", "")
    assert len(notebook) == 1
    last = notebook[0].shown[-1].splitlines()
    assert len(last) == 1
    assert "codes" in last[0]
    assert "held out" in last[0]
    assert "━" * 20 in last[0]
    assert notebook[0].cleared == len(notebook[0].shown)


def test_a_notebook_without_widgets_is_not_drawn_in(monkeypatch):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert not progress._console().is_jupyter
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    assert progress._console().is_jupyter
