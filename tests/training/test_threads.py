from __future__ import annotations

import threading

import pytest
import torch
from toy_models import toy_batch
from toy_runs import QUICK, build

from gensynth import Trainer
from gensynth.training.threads import LARGE, fitting_threads


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    """What torch has on a machine of two processors where nobody chose."""
    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def threads_of_a_run():
    seen = []
    Trainer(**QUICK, callbacks=[lambda _: seen.append(torch.get_num_threads())]).run(build(), toy_batch(), 0)
    return set(seen)


def test_a_small_network_is_trained_in_one_thread():
    assert threads_of_a_run() == {1}
    assert torch.get_num_threads() == 2


def test_the_environment_is_a_choice(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert threads_of_a_run() == {2}


def test_large_steps_keep_the_threads():
    with fitting_threads(LARGE):
        assert torch.get_num_threads() == 2
    with fitting_threads(LARGE / 2):
        assert torch.get_num_threads() == 1


def test_threads_come_back_after_an_error_and_after_runs_side_by_side():
    with pytest.raises(ZeroDivisionError), fitting_threads(1):
        _ = 1 / 0
    assert torch.get_num_threads() == 2
    inside, over = threading.Event(), threading.Event()

    def other() -> None:
        with fitting_threads(1):
            inside.set()
            over.wait(30)

    thread = threading.Thread(target=other)
    with fitting_threads(1):
        thread.start()
        inside.wait(30)
    assert torch.get_num_threads() == 2
    over.set()
    thread.join()
    assert torch.get_num_threads() == 2
