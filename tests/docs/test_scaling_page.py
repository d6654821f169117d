"""The commands for a cluster that docs/scaling.md and its examples show are ones that there are."""

from __future__ import annotations

import re
import subprocess

import pytest
from environments import ROOT

from gensynth.cli import main

PAGE = ROOT / "docs" / "scaling.md"
EXAMPLES = ROOT / "docs" / "examples" / "ray"
COMMAND = re.compile(r"\bgensynth (?:score|sample|fit|detect|augment) [^\n#]*?--engine ray[^\n#]*")


def commands() -> list[str]:
    found = []
    for path in (PAGE, *sorted(EXAMPLES.iterdir())):
        text = re.sub(r"\s*\\?\n\s+(?=--)", " ", path.read_text("utf-8"))  # one line each
        found += [f"{path.name}: {command.rstrip()}" for command in COMMAND.findall(text)]
    return found


def test_there_are_such_commands():
    files = {command.partition(":")[0] for command in commands()}
    assert files == {"scaling.md", "job.sh", "rayjob.yaml"}


@pytest.mark.parametrize("command", commands())
def test_its_options_are_right(command, capfd, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # where none of its files are
    assert main(command.partition(": gensynth ")[2].split()) == 2
    assert re.match(r"error: there is no (model )?file|error: '\S+' is neither a file", capfd.readouterr().err)


def test_the_job_is_a_shell_script():
    subprocess.run(["sh", "-n", str(EXAMPLES / "job.sh")], check=True)
