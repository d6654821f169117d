"""The house rules as tests: lint, types, layers, licence, and a README whose commands are those that are run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from environments import ROOT

CHECKERS = {
    "ruff": ["ruff", "check", "."],
    "mypy": ["mypy"],
    "import-linter": ["lint-imports", "--no-cache"],
}


@pytest.mark.parametrize("name", CHECKERS)
def test_checker(name):
    command, *options = CHECKERS[name]
    program = Path(sys.executable).with_name(command)
    found = str(program) if program.exists() else shutil.which(command)
    assert found, f"{command} is missing: pip install 'gensynth[test]'"
    done = subprocess.run([found, *options], cwd=ROOT, capture_output=True, text=True, timeout=550, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_layers_contract_can_fail(tmp_path):
    """An import from below upwards is found: a copy of the package with one such line breaks the contract."""
    for name in ("gensynth", "plugins/gensynth_gan", "plugins/gensynth_vae"):
        shutil.copytree(ROOT / name, tmp_path / Path(name).name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "gensynth" / "errors.py").open("a") as stream:
        stream.write("\n\ndef _late() -> None:\n    import gensynth.registry\n")
    program = Path(sys.executable).with_name("lint-imports")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [str(program), "--no-cache"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode != 0
    assert "gensynth.errors -> gensynth.registry" in done.stdout


def readme_commands() -> list[str]:
    return re.findall(r"```bash\n(.*?)\n```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_ci_runs_the_readmes_test_command():
    first, second = readme_commands()[:2]
    assert "gensynth augment breast-cancer --target target --balance -o augmented.csv" in first
    assert "pytest" in second
    for command in (first, second):
        assert "\n" not in command.replace("\\\n", ""), "one command, to be pasted at once"
        assert "-c constraints.txt" in command
    script = (ROOT / ".ci" / "run").read_text()
    assert second in script
    assert script.rstrip().endswith(second), "the run ends with pytest's own closing line"


def test_ci_script_is_executable_and_parses():
    path = ROOT / ".ci" / "run"
    assert os.access(path, os.X_OK)
    subprocess.run(["bash", "-n", str(path)], check=True)
    text = path.read_text()
    for line in ("set -eu", "export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE"):
        assert line in text


def test_ci_leaves_nothing_out():
    """No test is deselected: not by the command, and not by the settings of pytest."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    for text in (readme_commands()[1], settings["addopts"]):
        chosen = text.replace("-m venv", "").replace("-m pytest", "")
        assert not re.search(r"(^|\s)(-m|-k|--ignore|--deselect)[\s=]", chosen)
    assert settings["filterwarnings"][0] == "error"
    assert settings["xfail_strict"] is True


def test_licence_and_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    licence = (ROOT / "LICENSE").read_text()
    assert project["license"] == "BSD-3-Clause"
    assert licence.startswith("BSD 3-Clause License")
    assert "Copyright (c) 2026, The gensynth developers" in licence
    version = re.search(r'__version__ = "(.+)"', (ROOT / "gensynth" / "version.py").read_text())
    assert version
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text()
