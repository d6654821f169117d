from __future__ import annotations

import importlib.util
import socket
import types

import pytest

from gensynth.errors import ClusterError, MissingPackageError, OptionError
from gensynth.scale import cluster
from gensynth.scale.cluster import Workers, check_installed, connected, room


def machines(*resources):
    """What stands in for the module ``ray``: a cluster of machines with these resources."""
    nodes = [{"Alive": True, "Resources": own} for own in resources]
    nodes.append({"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}})
    return types.SimpleNamespace(nodes=lambda: nodes)


@pytest.mark.parametrize(
    ("workers", "n"),
    [
        (Workers(), 6),
        (Workers(cpus=2), 2),
        (Workers(gpus=0.25), 3),  # of the machine with a GPU, by its processors
        (Workers(gpus=0.4), 2),
        (Workers(gpus=1.0), 1),
        (Workers(count=5), 6),
    ],
)
def test_room(workers, n):
    assert room(machines({"CPU": 3.0}, {"CPU": 3.0, "GPU": 1.0}, {"memory": 1e9}), workers) == n


@pytest.mark.parametrize(("gpus", "n"), [(0.1, 20), (0.2, 10), (0.3, 6), (1 / 3, 6), (0.5, 4), (2.0, 1)])
def test_shares_of_a_gpu(gpus, n):
    assert room(machines({"CPU": 64.0, "GPU": 2.0}), Workers(gpus=gpus)) == n


def test_too_little_room_is_told_with_what_there_is():
    ray = machines({"CPU": 2.0})
    with pytest.raises(OptionError, match="room for 2 of the 3 workers of 1 CPU each: its 1 machine has 2 CPU and 0 G"):
        room(ray, Workers(count=3))
    with pytest.raises(OptionError, match=r"room for 0 of the 1 worker of 1 CPU and 0\.5 GPU each"):
        room(ray, Workers(gpus=0.5))


def test_ray_that_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match=r"pip install 'gensynth\[ray\]'"):
        check_installed()
    with pytest.raises(MissingPackageError), connected():
        pass


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_where_nobody_listens(monkeypatch, scheme):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"{scheme}127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ClusterError, match=f"no Ray cluster answers at {address}"):
            cluster._check_address(address)
        taken.listen()
        cluster._check_address(address)
    for other in ("auto", "local", ""):
        cluster._check_address(other)
