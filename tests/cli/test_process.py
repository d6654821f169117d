"""The command as a process: start-up, signals, pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

MAIN = "import sys; from gensynth.cli import main; sys.exit(main())"
TELL = """
import gensynth.training.trainer as t
run = t.Trainer.run
def told(self, *a, **k):
    print("training", flush=True)
    return run(self, *a, **k)
t.Trainer.run = told
"""
posix = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")


def command(*arguments: str, before: str = "") -> list[str]:
    return [sys.executable, "-c", before + MAIN, *arguments]


@pytest.mark.parametrize("arguments", [["--help"], ["augment", "--help"], ["--version"]])
def test_help_takes_less_than_400_ms(arguments) -> None:
    # processor time, which a busy machine does not stretch as it does the clock
    spent = []
    for _ in range(3):
        start = os.times()
        subprocess.run(command(*arguments), check=True, stdout=subprocess.DEVNULL)
        end = os.times()
        spent.append(end.children_user + end.children_system - start.children_user - start.children_system)
    assert min(spent) < 0.4


HEAVY = ("torch", "pandas", "numpy", "sklearn", "scipy", "pyarrow", "onnx", "safetensors", "jinja2")


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


@posix
@pytest.mark.parametrize(
    "line",
    [
        "augment good.csv --ratio 1 -o out.csv",
        "fit good.csv -o out.gensynth",
        "detect good.csv -o out.csv --html page.html --save new.gensynth",
    ],
)
def test_interrupt_in_training_leaves_nothing(line, folder: Path) -> None:
    Path("out.csv").write_text("old")
    before = sorted(folder.iterdir())
    process = subprocess.Popen(
        command(*line.split(), before=TELL), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "training\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "interrupted" in err
    assert sorted(folder.iterdir()) == before
    assert Path("out.csv").read_text() == "old"


@posix
def test_reader_that_goes_away_is_no_traceback() -> None:
    process = subprocess.Popen(command("models"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 141
    assert err == ""


def test_threads_wait_without_spinning() -> None:
    code = "import os, gensynth.cli; gensynth.cli.main(['--version']); print(os.environ['OMP_WAIT_POLICY'])"
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    assert out.stdout.splitlines()[-1] == "PASSIVE"
