"""``gensynth fit --checkpoint FILE --resume``: a run that was killed goes on to the result of one that was not."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

FIT = "fit good.csv -m vae --set model.hidden=16,16 --set trainer.max_epochs=80 --set trainer.patience=99"
KILLED_IN_ROUND = """
import os, signal, sys
import gensynth.training.loop as loop
turns, next_round = [], loop.StageLoop.next_round
def told(self):
    turns.append(1)
    if len(turns) == 3:
        os.kill(os.getpid(), NUMBER)
    return next_round(self)
loop.StageLoop.next_round = told
from gensynth.cli import main
sys.exit(main())
"""


def fit(more: str, before: str = "from gensynth.cli import main; import sys; sys.exit(main())"):
    arguments = [sys.executable, "-c", before, *shlex.split(f"{FIT} {more}")]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "seed"), [(signal.SIGKILL, "--seed 5"), (signal.SIGTERM, "")])
def test_a_killed_fit_resumes_to_the_same_model(number, seed, folder: Path, run) -> None:
    killed = fit(f"{seed} -o out.gensynth --checkpoint run.ckpt", KILLED_IN_ROUND.replace("NUMBER", str(int(number))))
    assert killed.returncode in (-number, 128 + number), killed.stderr
    assert not Path("out.gensynth").exists()

    again = fit(f"{seed} -o out.gensynth --checkpoint run.ckpt")
    assert again.returncode == 2
    assert "did not come to its end: add --resume" in again.stderr

    from gensynth.training.checkpoints import read_header

    used = read_header("run.ckpt").marks["seed"]
    resumed = fit(f"{seed} -o out.gensynth --checkpoint run.ckpt --resume")
    assert resumed.returncode == 0, resumed.stderr
    assert fit(f"--seed {used} -o whole.gensynth").returncode == 0
    for name in ("out", "whole"):
        assert run("sample", f"{name}.gensynth", "--seed", "1", "-n", "50", "-o", f"{name}.csv").code == 0
    assert Path("out.csv").read_text() == Path("whole.csv").read_text()


def test_what_does_not_fit_the_checkpoint_is_named(folder: Path, run) -> None:
    quick = ["-m", "vae", "--set", "model.hidden=16,16", "--checkpoint", "run.ckpt", "-o", "out.gensynth"]
    first = run("fit", "good.csv", *quick, "--set", "trainer.max_epochs=1", "--seed", "1")
    assert first.code == 0, first.err
    for changed, words in {
        "--seed 2 --set trainer.max_epochs=1": "seed was 1, now 2",
        "--set trainer.max_epochs=2": "trainer.max_epochs was 1, now 2",
        "--set trainer.max_epochs=1 --set model.latent_dim=3": "model.latent_dim was",
        "--set trainer.max_epochs=1 --schema age=categorical": "table is another",
    }.items():
        outcome = run("fit", "good.csv", *quick, "--resume", *changed.split())
        assert outcome.code == 2
        assert words in outcome.err, outcome.err
        assert "--resume" in outcome.err
    same = run("fit", "good.csv", *quick, "--resume", "--set", "trainer.max_epochs=1")
    assert same.code == 0, same.err
    whole = Path("run.ckpt").read_bytes()
    Path("run.ckpt").write_bytes(whole[:-9])
    cut = run("fit", "good.csv", *quick, "--resume", "--set", "trainer.max_epochs=1")
    assert cut.code == 2
    assert "run.ckpt" in cut.err
    assert "cut off or changed" in cut.err


def test_a_finished_checkpoint_is_replaced(folder: Path, run) -> None:
    quick = ["-m", "vae", "--set", "model.hidden=16,16", "--checkpoint", "run.ckpt", "-o", "out.gensynth"]
    for seed in "12":
        outcome = run("fit", "good.csv", *quick, "--set", "trainer.max_epochs=1", "--seed", seed)
        assert outcome.code == 0, outcome.err
