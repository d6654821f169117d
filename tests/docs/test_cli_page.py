"""docs/cli.md shows what the commands really print."""

from __future__ import annotations

import runpy
from importlib.metadata import version
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs"
COMMANDS = {
    "augment", "compare", "fit", "sample", "impute", "score", "detect", "drift", "export", "models", "plugins",
    "datasets", "evaluate", "info", "tune"
}  # fmt: skip


@pytest.fixture
def update(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    monkeypatch.setenv("GENSYNTH_PLUGINS", "gensynth_gan,gensynth_vae")
    return runpy.run_path(str(FOLDER / "update_cli.py"))


def test_every_command_is_documented(update) -> None:
    page = (FOLDER / "cli.md").read_text("utf-8")
    documented = {arguments.split()[0] for arguments in update["documented"](page)}
    assert documented >= COMMANDS


def test_help_texts_are_the_real_ones(update) -> None:
    page = (FOLDER / "cli.md").read_text("utf-8")
    if f"typer {version('typer')}" not in page:
        pytest.skip(
            f"the layout of help texts is typer's, and the page was written with another than {version('typer')}"
        )
    assert page == update["renewed"](page), "run python docs/update_cli.py"


def test_the_comparison_can_fail(update) -> None:
    page = "```console\n$ gensynth fit --help\nnonsense\n```"
    assert update["renewed"](page) != page
