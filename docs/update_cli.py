"""Write the --help texts into docs/cli.md: ``python docs/update_cli.py``. A test tells when this is due."""

from __future__ import annotations

import contextlib
import io
import os
import re
from importlib.metadata import version
from pathlib import Path

from gensynth.cli import main

PAGE = Path(__file__).with_name("cli.md")
_WRITTEN = re.compile(r"help texts by typer [\w.]+")
_BLOCK = re.compile(r"```console\n\$ gensynth (?P<arguments>[^\n]*--help)\n.*?```", re.DOTALL)


def renewed(page: str) -> str:
    """Return the page with the output of every ``$ gensynth ... --help`` as it is now."""
    page = _WRITTEN.sub(f"help texts by typer {version('typer')}", page)
    return _BLOCK.sub(lambda found: _block(found["arguments"]), page)


def documented(page: str) -> list[str]:
    """Return the arguments of every help text on the page."""
    return [found["arguments"] for found in _BLOCK.finditer(page)]


def _block(arguments: str) -> str:
    os.environ["COLUMNS"] = "100"
    with contextlib.redirect_stdout(io.StringIO()) as out:
        main(arguments.split())
    return f"```console\n$ gensynth {arguments}\n{out.getvalue().rstrip()}\n```"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
