"""Two processes that train together: everything is run once, in one pair of them (tests/support/together.py)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import together
import torch
from command_line import QUICK, people, posix

from gensynth.nn import ranks
from gensynth.training import distributed

SCRIPT = Path(together.__file__)
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "GLOO_SOCKET_IFNAME": "lo"}

pytestmark = [posix, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What each of the two processes found."""
    folder = tmp_path_factory.mktemp("together")
    together.table(300).to_parquet(folder / "table.parquet", row_group_size=50)
    commands = [[sys.executable, str(SCRIPT), str(folder), str(rank)] for rank in (0, 1)]
    processes = [subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) for command in commands]
    said = [process.communicate(timeout=280)[1] for process in processes]
    assert processes[0].returncode == 0, said[0]
    assert processes[1].returncode < 0, f"it was to be killed in the end: {said[1]}"
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in (0, 1)]


def equal(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("case", ["plain", "trimmed"])
def test_two_processes_train_what_one_does(found, case):
    alone = together.trained(trim=0.25 if case == "trimmed" else 0.0)
    ours, theirs = (one[case] for one in found)
    assert equal(ours["weights"], theirs["weights"])
    for name, value in alone["weights"].items():
        torch.testing.assert_close(ours["weights"][name], value, rtol=0, atol=1e-6)
    assert ours["losses"] == pytest.approx(alone["losses"], abs=1e-6)
    untrimmed = together.trained()["losses"]
    assert (ours["losses"] == pytest.approx(untrimmed, abs=1e-3)) == (case == "plain")


def test_a_model_that_a_loss_changes_in_one_process_only_would_be_seen(found):
    """The check that the following tests stand on can fail."""
    assert all(one["counting"]["parted"] for one in found)
    assert not any(one["plain"]["parted"] for one in found)


@pytest.mark.parametrize("kind", ["families", "detectors"])
def test_processes_have_the_same_weights_at_every_round(found, kind):
    ours, theirs = (one[kind] for one in found)
    assert ours.keys() == theirs.keys()
    assert len(ours) >= (10 if kind == "families" else 3)
    for name in ours:
        assert not ours[name]["parted"], name
        assert not theirs[name]["parted"], name
        assert equal(ours[name]["weights"], theirs[name]["weights"]), name
        assert ours[name].get("seed") == theirs[name].get("seed")
        assert ours[name].get("scores") == theirs[name].get("scores")


def test_code_books_stay_the_same(found):
    ours, theirs = (one["code books"] for one in found)
    assert ours["moved"]
    assert theirs["moved"]
    assert ours["others stay"]
    assert equal(ours["weights"], theirs["weights"])


def test_one_process_encodes_a_table_that_is_not_in_memory(found):
    ours, theirs = (one["stream"] for one in found)
    assert equal(ours["weights"], theirs["weights"])
    assert not ours["parted"]
    assert [ours["encoded"] > 0, theirs["encoded"]] == [True, 0]


def test_the_first_process_alone_writes_and_reads_checkpoints(found):
    ours, theirs = (one["checkpoint"] for one in found)
    assert [ours["wrote"], ours["read"]] == [True, True]
    assert [theirs["wrote"], theirs["read"]] == [False, False]
    for one in (ours, theirs):
        assert equal(one["again"], ours["weights"])


def test_processes_stop_together_when_the_time_is_up(found):
    ours, theirs = (one["limited"] for one in found)
    assert equal(ours["weights"], theirs["weights"])
    assert not ours["parted"]


def test_what_cannot_be_is_refused_in_all_processes(found):
    wanted = {
        "other table": r"OptionError: processes \d and \d train different things: table; start all",
        "few rows": r"DataError: 3 rows to learn from are too few for 2 processes",
        "small batch": r"OptionError: trainer.batch_size=3 is that of all 2 processes",
        "no checkpoint": r"OptionError: there is no checkpoint",
    }
    for one in found:
        for case, words in wanted.items():
            assert re.match(words, one[case]), case


@pytest.mark.parametrize("how", ["silent", "lost"])
def test_a_process_that_is_gone_ends_the_other(found, how):
    assert found[0][how].startswith("TrainingError: another of the 2 processes was lost, or did not answer in time")


def test_parts_make_up_a_batch(monkeypatch):
    for size in (1, 2, 3, 5):
        monkeypatch.setattr(ranks, "size", lambda size=size: size)
        for first, last in ((0, 31), (7, 7 + 2 * size)):
            parts = []
            for rank in range(size):
                monkeypatch.setattr(ranks, "rank", lambda rank=rank: rank)
                parts.append(range(100)[distributed.part(first, last)])
            assert [i for own in parts for i in own] == list(range(first, last))
            assert min(map(len, parts)) >= distributed.MIN_PART


def test_the_command(tmp_path):
    people().to_csv(tmp_path / "t.csv", index=False)
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "gensynth"]
    model, checkpoint = tmp_path / "m.gensynth", tmp_path / "run.ckpt"
    fit = [*run, "fit", str(tmp_path / "t.csv"), "-o", str(model), "--checkpoint", str(checkpoint), *QUICK]
    done = subprocess.run(fit, env=ENVIRONMENT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("written in") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"t.csv", "m.gensynth", "run.ckpt"}
