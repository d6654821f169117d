"""Start-up of the command: quick, and without heavy imports."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from command_line import as_process


@pytest.mark.parametrize("arguments", [["--help"], ["augment", "--help"], ["--version"]])
def test_help_takes_less_than_400_ms(arguments) -> None:
    # processor time, which a busy machine does not stretch as it does the clock
    spent = []
    for _ in range(3):
        start = os.times()
        subprocess.run(as_process(*arguments), check=True, stdout=subprocess.DEVNULL)
        end = os.times()
        spent.append(end.children_user + end.children_system - start.children_user - start.children_system)
    assert min(spent) < 0.4


HEAVY = ("torch", "pandas", "numpy", "sklearn", "scipy", "pyarrow", "onnx", "safetensors", "jinja2", "ray")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["fit", "--help"], ["detect", "--help"], ["models"], ["plugins"], ["datasets", "list"]]
)
def test_what_needs_no_table_imports_nothing_heavy(arguments) -> None:
    code = (
        f"import sys; from gensynth.cli import main; code = main({arguments!r})\n"
        f"heavy = [m for m in {HEAVY!r} if m in sys.modules]\n"
        "assert not code and not heavy, (code, heavy)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_the_import_check_can_fail() -> None:
    code = f"import sys, gensynth.schema; assert not [m for m in {HEAVY!r} if m in sys.modules]"
    assert subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.DEVNULL).returncode == 1


def test_python_m_gensynth_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gensynth", "fit", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: gensynth fit ")


def test_threads_wait_without_spinning() -> None:
    code = "import os, gensynth.cli; gensynth.cli.main(['--version']); print(os.environ['OMP_WAIT_POLICY'])"
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    assert out.stdout.splitlines()[-1] == "PASSIVE"
