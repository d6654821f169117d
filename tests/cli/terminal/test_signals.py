"""Signals: the command stops at once, leaves nothing half written, and shows no traceback."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import as_process, posix

pytestmark = pytest.mark.slow

TELL = """
import gensynth.training.trainer as t
run = t.Trainer.run
def told(self, *a, **k):
    print("training", flush=True)
    return run(self, *a, **k)
t.Trainer.run = told
"""

STOPS = {signal.SIGINT: ("interrupted", 130), signal.SIGTERM: ("terminated", 143), signal.SIGHUP: ("terminal", 129)}


def stopped(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """Send the signal, check how the command ends, and return what it said."""
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    word, code = STOPS[number]
    assert process.returncode == code, err
    assert "Traceback" not in err + out, err
    assert word in err
    return err


@pytest.fixture(autouse=True)
def no_signal_is_ignored() -> Iterator[None]:
    """What nohup has ignored would stay so in the commands; handlers are not handed down."""
    ignored = [number for number in STOPS if signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, lambda *_: None)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


def started(*arguments: str, before: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        as_process(*arguments, before=before), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@posix
@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("augment good.csv --ratio 1 -o out.csv", signal.SIGINT),
        ("augment good.csv --ratio 1 -o out.csv", signal.SIGTERM),
        ("fit good.csv -o out.gensynth", signal.SIGINT),
        ("detect good.csv -o out.csv --html page.html --save new.gensynth", signal.SIGHUP),
    ],
)
def test_a_signal_in_training_leaves_nothing(line, number, folder: Path) -> None:
    Path("out.csv").write_text("old")
    before = sorted(folder.iterdir())
    process = started(*line.split(), before=TELL)
    assert process.stdout is not None
    assert process.stdout.readline() == "training\n"
    time.sleep(0.3)
    stopped(process, number)
    assert sorted(folder.iterdir()) == before
    assert Path("out.csv").read_text() == "old"


SLOW_WRITING = """
import time
import gensynth.files as files
write = files.NamedRaw.write
def slow(self, data):
    if self.label.endswith(".csv"):
        files.NamedRaw.write = write
        print("writing", flush=True)
        time.sleep(60)
    return write(self, data)
files.NamedRaw.write = slow
"""


@posix
@pytest.mark.parametrize("number", STOPS)
def test_a_signal_while_a_file_is_written_leaves_the_old_one_alone(number, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("old")
    process = started("datasets", "fetch", "wine", "-o", str(tmp_path / "out.csv"), before=SLOW_WRITING)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    assert len(list(tmp_path.iterdir())) == 2, "the temporary file is there"
    stopped(process, number)
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    assert (tmp_path / "out.csv").read_text() == "old"


# within the try and past the buffers: a signal may come as soon as the line can be read
SWALLOWED = """
import os, time
import gensynth.files as files
create = files._create
def stubborn(*a):
    raw = create(*a)
    while True:
        try:
            os.write(1, b"made\\n")
            time.sleep(60)
        except KeyboardInterrupt:
            os.write(1, b"swallowed\\n")
files._create = stubborn
"""


@posix
def test_the_second_signal_ends_even_what_swallows_the_first(tmp_path: Path) -> None:
    process = started("datasets", "fetch", "wine", "-o", str(tmp_path / "out.csv"), before=SWALLOWED)
    assert process.stdout is not None
    assert process.stdout.readline() == "made\n"
    assert len(list(tmp_path.iterdir())) == 1
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "swallowed\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert not list(tmp_path.iterdir())


@posix
def test_signals_at_random_moments_leave_no_temporary_file(tmp_path: Path) -> None:
    arguments = ["datasets", "fetch", "wine", "-o", str(tmp_path / "out.csv")]
    begin = time.monotonic()
    subprocess.run(as_process(*arguments), check=True, capture_output=True)
    lasted = time.monotonic() - begin
    whole = (tmp_path / "out.csv").read_bytes()
    chance = random.Random(0)
    ready = "import sys; print('ready', flush=True)\n"
    codes = set()
    for turn in range(9):
        number = list(STOPS)[turn % 3]
        process = started(*arguments, before=ready)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.random() * lasted)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        # before the handlers are there the signal ends the process as it ends every other
        assert process.returncode in (0, STOPS[number][1], -number), err
        if process.returncode != -number:
            assert "Traceback" not in out + err, err
        assert [path.name for path in tmp_path.iterdir()] == ["out.csv"], err
        assert (tmp_path / "out.csv").read_bytes() == whole
        codes.add(process.returncode)
    assert codes & {code for _, code in STOPS.values()}


@posix
def test_signals_that_the_parent_ignores_stay_ignored(tmp_path: Path) -> None:
    before = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{SLOW_WRITING}".replace("60", "0.5")
    process = started("datasets", "fetch", "wine", "-o", str(tmp_path / "out.csv"), before=before)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0


@posix
def test_ctrl_c_while_the_command_is_imported_is_no_traceback() -> None:
    code = """
import builtins, signal, sys
from gensynth.cli import main
load = builtins.__import__
def interrupted(name, *a, **k):
    if name == NAME:
        builtins.__import__ = load
        signal.raise_signal(signal.SIGINT)
    return load(name, *a, **k)
builtins.__import__ = interrupted
sys.argv = ["gensynth", "models"]
sys.exit(main())
"""
    for name in (
        "gensynth.cli.terminal.signals",
        "gensynth.cli.terminal.standard_streams",
        "gensynth.cli.app",
        "typer.main",
    ):
        done = subprocess.run(
            [sys.executable, "-c", code.replace("NAME", repr(name))], capture_output=True, text=True, check=False
        )
        assert done.returncode == 130, done.stderr
        assert "Traceback" not in done.stderr


@posix
def test_an_interrupt_that_a_library_hides_is_still_one() -> None:
    before = """
import signal, gensynth.registry
def hidden():
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt as error:
        raise ImportError("initialization failed") from error
gensynth.registry.default_registry = hidden
"""
    done = subprocess.run(as_process("models", before=before), capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert "interrupted" in done.stderr
