"""Workers of a Ray cluster that are one group of processes."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
import worker_tasks

from gensynth.errors import TrainingError
from gensynth.scale.cluster import Workers
from gensynth.scale.together import WorkerError, run_together

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray_cluster"), pytest.mark.filterwarnings("default")]


def run(what, folder):
    return run_together(partial(worker_tasks.together, what), Workers(2), folder, timedelta(minutes=5))


def test_the_result_is_that_of_the_first(tmp_path):
    assert run("", tmp_path) == (2, 3.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("what", "error", "why"),
    [
        ("speaks", WorkerError, "^the second has something to say$"),
        ("dies", TrainingError, "one of the 2 workers was lost.* --checkpoint FILE and --resume"),
    ],
)
def test_a_worker_that_ends(tmp_path, what, error, why):
    with pytest.raises(error, match=why):
        run(what, tmp_path)
    assert list(tmp_path.iterdir()) == []
