"""Standard streams that are closed, full, narrow or gone: one message at most, and no traceback."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import as_process, posix


def shell(redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = f"exec {shlex.join([sys.executable, '-m', 'gensynth', *arguments])} {redirection}"
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)


@posix
@pytest.mark.parametrize(("redirection", "word"), [(">&-", "closed"), (">/dev/full", "No space left")])
@pytest.mark.parametrize("arguments", [["models"], ["--help"], ["fit", "--help"], ["datasets", "show", "wine"]])
def test_an_answer_that_cannot_be_written_is_one_message(redirection, word, arguments) -> None:
    done = shell(redirection, *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "standard output" in done.stderr
    assert word in done.stderr


@posix
@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_messages_that_cannot_be_written_change_nothing_else(redirection, tmp_path: Path) -> None:
    assert "beta-vae" in shell(redirection, "models").stdout
    assert shell(redirection, "models", "--nothing").returncode == 2
    assert shell(redirection, "sample", "nofile.gensynth", "-o", "out.csv").returncode == 2
    assert shell(redirection, "datasets", "fetch", "wine", "-o", str(tmp_path / "out.csv")).returncode == 0
    assert (tmp_path / "out.csv").read_text().count("\n") == 179


@posix
def test_a_file_is_whole_where_all_streams_are_closed(tmp_path: Path) -> None:
    done = shell("<&- >&- 2>&-", "datasets", "fetch", "wine", "-o", str(tmp_path / "out.csv"))
    assert done.returncode == 0
    assert (tmp_path / "out.csv").read_text().count("\n") == 179


def test_a_narrow_encoding_of_standard_output_is_no_traceback() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    code = (
        "import typer, gensynth.cli.commands.models as m\n"
        "m.table = lambda *a, **k: typer.echo('caf\\u00e9 \\u8a9e \\udce9')\n"
    )
    done = subprocess.run(as_process("models", before=code), capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"caf\xe9 \\u8a9e \\udce9\n"


@posix
def test_reader_that_goes_away_is_no_traceback() -> None:
    process = subprocess.Popen(as_process("models"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 141
    assert err == ""
