from __future__ import annotations

import pytest

from gensynth.cli import processes


@pytest.fixture
def second(monkeypatch):
    """What torchrun sets in the second of two processes."""
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)


def test_a_process_alone_is_the_first(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "8")  # as schedulers set it, without torchrun
    assert processes.count() == 1
    assert processes.is_first()


def test_torchrun_tells_the_number(second):
    assert (processes.count(), processes.number(), processes.is_first()) == (2, 1, False)


@pytest.mark.parametrize("command", ["score", "detect", "sample", "models"])
def test_commands_that_several_processes_would_do_twice_are_refused(run, second, command):
    done = run(command)
    assert done.code == 2
    assert f"error: process 1: gensynth {command} is no command for torchrun" in done.err
    assert done.out == ""
