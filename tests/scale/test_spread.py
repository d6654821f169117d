"""Workers of a Ray cluster on this machine: results, warnings, errors, and what happens when they die."""

from __future__ import annotations

import warnings

import pytest
import worker_tasks

from gensynth.errors import ClusterError, DataError, UnseenValuesWarning
from gensynth.scale.cluster import Workers
from gensynth.scale.spread import MAX_ATTEMPTS, spread

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray_cluster"), pytest.mark.filterwarnings("default")]


@pytest.mark.parametrize("ordered", [True, False])
def test_results_come_with_their_warnings_once(ordered):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        results = list(spread(worker_tasks.Squares(), range(7), Workers(2), ordered=ordered))
    assert (results if ordered else sorted(results)) == [0, 1, 4, 9, 16, 25, 36]
    said = [str(one.message) for one in found if one.category in (UserWarning, UnseenValuesWarning)]
    assert said == ["of all"]


def test_no_items_need_no_cluster():
    assert list(spread(worker_tasks.Squares(), [], Workers(2), ordered=True)) == []


def test_a_worker_computes_in_the_threads_that_it_has():
    assert list(spread(worker_tasks.Threads(), [0], Workers(1, cpus=2), ordered=True)) == [("2", 2)]


def test_an_error_of_the_task_is_raised_here():
    with pytest.raises(DataError, match="column 'x' is wrong; on the command line"):
        list(spread(worker_tasks.Fails(foreseen=True), range(3), Workers(2), ordered=True))


def test_an_error_that_nobody_foresaw_shows_where_it_was():
    with pytest.raises(Exception, match="ZeroDivisionError: a bug") as found:
        list(spread(worker_tasks.Fails(foreseen=False), range(3), Workers(2), ordered=True))
    assert "worker_tasks.py" in str(found.value)


def test_a_worker_that_dies_is_replaced(tmp_path):
    (tmp_path / "once").touch()
    results = list(spread(worker_tasks.Dies(tmp_path), range(4), Workers(2), ordered=True))
    assert results == [0, 1, 2, 3]
    assert not list(tmp_path.iterdir())


def test_workers_that_die_again_and_again_end_it(tmp_path):
    for number in range(20):
        (tmp_path / f"{number:02}").touch()
    with pytest.raises(ClusterError, match="3 workers were lost at 1: most often the machine had no memory left"):
        list(spread(worker_tasks.Dies(tmp_path), range(4), Workers(1), ordered=True))
    assert len(list(tmp_path.iterdir())) == 20 - MAX_ATTEMPTS
