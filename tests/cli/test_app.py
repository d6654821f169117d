"""The application: commands of plugins beside the built-in ones."""

from __future__ import annotations

import warnings
from typing import Annotated

import pytest
import typer
from command_line import Run

import gensynth.registry
from gensynth.errors import DataError
from gensynth.version import __version__


class Registry:
    """Stands in for the installed plugins."""

    def __init__(self) -> None:
        self.asked = 0

    def add_commands(self, app: typer.Typer) -> None:
        self.asked += 1

        @app.command()
        def greet(name: str = "you") -> None:
            """Greet somebody."""
            if name == "nobody":
                raise DataError("nobody is there")
            if name == "twice":
                for _ in range(2):
                    warnings.warn("mind the\ngap", UserWarning, stacklevel=1)
            typer.echo(f"hello {name}")

        @app.command("fit")
        def mine() -> None:
            """Take a name that is taken."""

        @app.command()
        def broken(thing: Annotated[int, typer.Option(), typer.Option()]) -> None:
            """Annotate an option twice."""

        more = typer.Typer(help="More.")
        more.command("one")(lambda: typer.echo("one"))
        more.command("two")(lambda: typer.echo("two"))
        app.add_typer(more, name="more")


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Registry:
    registry = Registry()
    monkeypatch.setattr(gensynth.registry, "default_registry", lambda: registry)
    return registry


def test_a_plugins_command_runs_and_is_listed(plugins: Registry, run: Run) -> None:
    assert run("greet", "--name", "Ada").out == "hello Ada\n"
    assert run("more", "two").out == "two\n"
    assert "Greet somebody." in run("--help").out


def test_version_and_completion(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # a process without a shell above it (a container, a detached run) has none to detect
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("bash", "/bin/bash"))
    assert run("-V").out == run("--version").out == f"gensynth {__version__}\n"
    outcome = run("--show-completion", "bash")
    assert outcome.code == 0
    assert "_GENSYNTH_COMPLETE" in outcome.out


def test_conflicting_and_broken_commands_are_left_out_with_a_note(plugins: Registry, run: Run) -> None:
    outcome = run("--help")
    assert outcome.code == 0
    assert "Train a model on DATA." in outcome.out
    assert "Take a name" not in outcome.out
    assert "broken" not in outcome.out
    notes = outcome.err.splitlines()
    assert len(notes) == 2
    assert all(line.startswith("note: a plugin's command") for line in notes)


def test_its_errors_and_warnings_look_like_any_others(plugins: Registry, run: Run) -> None:
    outcome = run("greet", "--name", "nobody")
    assert (outcome.code, outcome.err.splitlines()[-1]) == (2, "error: nobody is there")
    outcome = run("greet", "--name", "twice")
    assert outcome.out == "hello twice\n"
    assert outcome.err.splitlines().count("note: mind the gap") == 1


def test_built_in_commands_do_not_wait_for_plugins(plugins: Registry, run: Run) -> None:
    assert run("fit", "--help").code == 0
    assert plugins.asked == 0


def test_unknown_command_suggests(plugins: Registry, run: Run) -> None:
    outcome = run("gret")
    assert outcome.code == 2
    assert "greet" in outcome.err
