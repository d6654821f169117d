"""The command as a process: start-up, signals, pipes."""

from __future__ import annotations

import os
import random
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import QUICK, people

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


STOPS = {signal.SIGINT: ("interrupted", 130), signal.SIGTERM: ("terminated", 143), signal.SIGHUP: ("terminal", 129)}


def stopped(process: subprocess.Popen[str], number: int) -> str:
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
        command(*arguments, before=before), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
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
    subprocess.run(command(*arguments), check=True, capture_output=True)
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
    for name in ("gensynth.cli.signals", "gensynth.cli.streams", "gensynth.cli.app", "typer.main"):
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
    done = subprocess.run(command("models", before=before), capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert "interrupted" in done.stderr


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


def test_python_m_gensynth_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gensynth", "fit", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: gensynth fit ")


def test_a_narrow_encoding_of_standard_output_is_no_traceback() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    code = (
        "import typer, gensynth.cli.commands.models as m\n"
        "m.table = lambda *a, **k: typer.echo('caf\\u00e9 \\u8a9e \\udce9')\n"
    )
    done = subprocess.run(command("models", before=code), capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"caf\xe9 \\u8a9e \\udce9\n"


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


@posix
def test_notes_come_once_and_never_within_a_progress_bar(folder: Path, run, monkeypatch) -> None:
    import warnings

    from gensynth.training import progress
    from gensynth.training.trainer import Trainer

    trained = Trainer.run

    def with_warnings(self, *a, **k):
        with progress.Progress(True):
            for _ in range(3):
                warnings.warn("a column is odd", UserWarning, stacklevel=1)
            print("bar", file=sys.stderr)
        return trained(self, *a, **k)

    monkeypatch.setattr(Trainer, "run", with_warnings)
    warned = run("fit", "good.csv", "-o", "out.gensynth", *QUICK)
    assert warned.code == 0, warned.err
    assert warned.err.count("a column is odd") == 1
    assert warned.err.index("bar") < warned.err.index("a column is odd") < warned.err.index("of training")
    assert not progress.is_shown()


def test_one_is_one(folder: Path, run) -> None:
    assert "1 synthetic row written" in run("sample", "m.gensynth", "-n", "1", "-o", "out.csv").err
    people().head(1).to_csv("one.csv", index=False)
    assert "1 row with scores" in run("score", "m.gensynth", "one.csv", "-o", "out.csv").err
    assert "0 missing cells of 1 row filled" in run("impute", "m.gensynth", "one.csv", "-o", "out.csv").err


def test_the_command_line_is_not_told_of_python(folder: Path, run) -> None:
    for line, words in {
        "score m.gensynth good.csv -o out.csv --method magic": "--method magic is unknown; the model has 'elbo'",
        "fit infinite.csv -o out.gensynth -m vae": "replace it, or leave the cell empty",
        "fit good.csv -o out.gensynth -m vae --set trainer.max_epochs=0": "trainer.max_epochs=0, expected",
        "fit good.csv -o out.gensynth -m vae --set trainer.device=gpu": "trainer.device='gpu'",
        "augment good.csv --target income --balance -o out.csv -m vae": "--rows N or --ratio R",
    }.items():
        outcome = run(*line.split())
        assert outcome.code == 2
        assert words in outcome.err
