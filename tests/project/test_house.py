"""The house rules as tests: lint, types, layers, the tree of tests, licence, and a README whose commands are run."""

from __future__ import annotations

import ast
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


@pytest.mark.parametrize("name", ["ruff", pytest.param("mypy", marks=pytest.mark.slow), "import-linter"])
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


TESTS = ROOT / "tests"
CROSS_CUTTING = {
    "cli/end_to_end": "the command line with real and broken files, whichever module meets them",
    "docs": "the pages in docs/",
    "golden": "files that releases wrote",
    "plugins/test_contract.py": "the contract suite over the models of every plugin",
    "plugins/test_gpu.py": "steps of the families of every plugin on a GPU",
    "plugins/test_extreme_numbers.py": "far numbers in the families of every plugin",
    "project": "the repository as a whole: rules, imports, wheel, threads, benchmarks, relations from end to end",
}
"""Tests of no single module, each with what they are of."""


def module_of(test: Path) -> Path | None:
    """Return the module that a test module is of, both relative to their folders.

    ``tests/a/test_b.py`` is of ``gensynth/a/b.py`` or of the package ``gensynth/a/b``, and so is
    ``tests/a/test_b_SUBJECT.py``, where there is more to test than one file should hold. ``tests/plugins`` stands for
    ``plugins`` likewise.
    """
    inside = test.parts[0] == "plugins"
    folder = ROOT.joinpath(*test.parts[:-1]) if inside else ROOT.joinpath("gensynth", *test.parts[:-1])
    words = test.stem.removeprefix("test_").split("_")
    for n in range(len(words), 0, -1):
        name = "_".join(words[:n])
        for path in (folder / f"{name}.py", folder / name / "__init__.py"):
            if path.exists():
                return path.relative_to(ROOT)
    return None


def cross_cutting(test: Path) -> str | None:
    """Return the entry of `CROSS_CUTTING` that a test module falls under."""
    return next((entry for entry in CROSS_CUTTING if f"{test.as_posix()}/".startswith(f"{entry}/")), None)


def test_tests_mirror_the_packages():
    tests = [path.relative_to(TESTS) for path in sorted(TESTS.rglob("test_*.py"))]
    homeless = [test.as_posix() for test in tests if cross_cutting(test) is None and module_of(test) is None]
    assert not homeless, "tests of no module: rename them, or name them in CROSS_CUTTING with what they are of"
    assert set(CROSS_CUTTING) == {cross_cutting(test) for test in tests} - {None}


def test_the_mirror_can_be_broken():
    assert module_of(Path("nn/test_flows.py")) == Path("gensynth/nn/flows.py")
    assert module_of(Path("test_tables_and_more.py")) == Path("gensynth/tables/__init__.py")
    assert module_of(Path("plugins/gensynth_gan/test_model.py")) == Path("plugins/gensynth_gan/model.py")
    assert module_of(Path("nn/test_nothing.py")) is None
    assert cross_cutting(Path("docsets/test_x.py")) is None


def plugins_imported(code: str) -> set[str]:
    """Return the built-in plugins that a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        names |= {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
        names |= {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
    return {name.partition(".")[0] for name in names} & {"gensynth_gan", "gensynth_vae"}


def test_tests_of_the_core_import_no_plugin():
    found = {
        path.relative_to(TESTS).as_posix(): plugins_imported(path.read_text("utf-8"))
        for path in sorted(TESTS.rglob("*.py"))
        if path.relative_to(TESTS).parts[0] != "plugins"
    }
    assert {path: plugins for path, plugins in found.items() if plugins} == {}
    assert plugins_imported("def f():\n    from gensynth_vae.recipes import VAE") == {"gensynth_vae"}


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
    """Every test is run: the command leaves out the slow ones and no others, and they are run before it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    second, runs = readme_commands()[1], (ROOT / ".ci" / "run").read_text()
    assert second.endswith(" -m 'not slow'")
    install, run = second.rsplit(" && ", 1)
    slow = run.removesuffix("'not slow'") + "slow"
    steps = [f"\n{install}\n", f"\n{slow}\n", f"\n{second}\n"]
    assert sorted(map(runs.index, steps)) == list(map(runs.index, steps))
    for text in (second.removesuffix(" -m 'not slow'"), settings["addopts"]):
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
