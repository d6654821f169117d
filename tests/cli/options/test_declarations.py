from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from gensynth.cli.options.declarations import use_threads
from gensynth.errors import OptionError


@pytest.fixture(autouse=True)
def put_back(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_threads_are_torchs():
    torch.set_num_threads(2)
    assert use_threads(1) == 1
    assert torch.get_num_threads() == 1
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert use_threads(None) is None


def test_threads_of_a_process_that_has_not_imported_torch_yet():
    n = min(2, os.cpu_count() or 1)
    code = (
        f"from gensynth.cli.options.declarations import use_threads; use_threads({n})\n"
        "import torch; print(torch.get_num_threads())"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == f"{n}\n"


def test_more_threads_than_processors_are_refused():
    with pytest.raises(OptionError, match=r"--threads 99999 is more than the \d+ processors? of this machine"):
        use_threads(99_999)


@pytest.mark.parametrize("command", ["fit", "detect", "score", "sample", "impute", "augment", "evaluate"])
@pytest.mark.parametrize("n", ["0", "-1", "two"])
def test_no_number_of_threads(run, command, n):
    done = run(command, "a", "b", "--threads", n)
    assert done.code == 2
    assert "--threads" in done.err
