from __future__ import annotations

from datetime import timedelta

import pytest

from gensynth.cli.terminal import processes


@pytest.fixture
def store(monkeypatch):
    """The store of torchrun, and what it sets in the second of two processes."""
    import torch.distributed as dist

    from gensynth.training import distributed

    made = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)  # type: ignore[attr-defined]
    place = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(made.port)}
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", **place}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(distributed, "_FOLLOWS", timedelta(seconds=0.2))
    return made


def test_a_process_alone_is_the_first(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "8")  # as schedulers set it, without torchrun
    assert processes.count() == 1
    assert processes.is_first()


@pytest.mark.usefixtures("store")
def test_torchrun_tells_the_number():
    assert (processes.count(), processes.number(), processes.is_first()) == (2, 1, False)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("command", ["score", "detect", "sample", "models"])
def test_commands_that_several_processes_would_do_twice_are_refused(run, command):
    done = run(command)
    assert done.code == 2
    assert f"error: process 1: gensynth {command} is no command for torchrun" in done.err
    assert done.out == ""


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(("argument", "why"), [("models", "is no command for torchrun"), ("--nonsense", "No such")])
def test_what_all_processes_meet_is_said_by_the_first_alone(run, monkeypatch, argument, why):
    monkeypatch.setenv("RANK", "0")
    first = run(argument)
    monkeypatch.setenv("RANK", "1")
    second = run(argument)
    assert (first.code, second.code) == (2, 2)
    assert why in first.err
    assert second.err == ""


@pytest.mark.usefixtures("store")
def test_a_process_that_fails_alone_says_why(run):
    done = run("--nonsense")
    assert done.code == 2
    assert "--nonsense" in done.err
