"""What ``--engine`` is refused for, before any work: with and without Ray installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from gensynth.cli.commands.fit import fit
from gensynth.cli.execution.engine import path_for, workers_of
from gensynth.cli.execution.ray_fit import fit_by_workers
from gensynth.datasets import cards
from gensynth.errors import OptionError
from gensynth.scale.cluster import Workers

SCORE = ["score", "m.gensynth", "good.csv", "-o", "out.csv"]


@pytest.fixture
def ray_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())


@pytest.mark.usefixtures("ray_installed")
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([*SCORE, "--engine", "dask"], "--engine must be local or ray, not 'dask'"),
        ([*SCORE, "--workers", "2"], "--workers is of --engine ray"),
        ([*SCORE, "--worker-cpus", "2"], "--worker-cpus is of --engine ray"),
        ([*SCORE, "--worker-gpus", "1"], "--worker-gpus is of --engine ray"),
        (["score", "m.gensynth", "-", "-o", "out.csv", "--engine", "ray"], "have no standard input and output"),
        (["score", "m.gensynth", "good.csv", "-o", "-", "--engine", "ray"], "have no standard input and output"),
        (["sample", "m.gensynth", "-o", "-", "--engine", "ray"], "have no standard input and output"),
        (["detect", "-", "-o", "out.csv", "--engine", "ray"], "have no standard input and output"),
        (["fit", "-", "-o", "x.gensynth", "--engine", "ray"], "have no standard input and output"),
        ([*SCORE, "--engine", "ray", "--worker-gpus", "1.5"], "a share of one GPU, 0.0001 to 1, or a whole number"),
        ([*SCORE, "--engine", "ray", "--worker-gpus", "0.00001"], "a share of one GPU, 0.0001 to 1, or a whole"),
        ([*SCORE, "--engine", "ray", "--worker-gpus", "inf"], "a share of one GPU, 0.0001 to 1, or a whole number"),
        (["fit", "good.csv", "-o", "x.gensynth", "--engine", "ray", "--worker-gpus", "0.5"], "a GPU each, or none"),
        (["fit", "none.csv", "-o", "x.gensynth", "--engine", "ray"], "there is no file"),
        (["fit", "good.csv", "-o", "x.gensynth", "--engine", "ray", "--resume"], "--resume needs --checkpoint"),
    ],
)
def test_refused(folder, run, arguments, why):
    before = sorted(folder.iterdir())
    done = run(*arguments)
    assert done.code == 2
    assert why in done.err
    assert sorted(folder.iterdir()) == before


def test_workers_of_one_process_alone(monkeypatch):
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "x", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)  # as torchrun does
    with pytest.raises(OptionError, match="run the command without torchrun"):
        fit_by_workers(fit, {}, Path("good.csv"), Workers())


@pytest.mark.parametrize("command", [SCORE, ["sample", "m.gensynth", "-o", "out.csv"]])
def test_without_ray(folder, run, monkeypatch, command):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    done = run(*command, "--engine", "ray")
    assert done.code == 2
    assert "pip install 'gensynth[ray]'" in done.err
    assert not Path("out.csv").exists()


@pytest.mark.parametrize("command", [SCORE, ["sample", "m.gensynth", "-o", "out.csv"]])
def test_threads_of_this_process_are_of_no_use_to_workers(folder, run, command):
    done = run(*command, "--engine", "ray", "--threads", "1")
    assert done.code == 2
    assert "give --worker-cpus 1" in done.err
    assert not Path("out.csv").exists()


@pytest.mark.usefixtures("ray_installed")
def test_what_workers_have():
    assert workers_of("ray", 3, 2, 0.5) == Workers(3, 2, 0.5)
    assert workers_of("ray", None, None, None) == Workers(None, 1, 0.0)
    assert workers_of("local", None, None, None) is None


def test_workers_are_told_absolute_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    card = next(iter(cards().values()))
    assert path_for(Workers(), Path("a.csv")) == tmp_path / "a.csv"
    assert path_for(Workers(), card) is card
    assert path_for(None, Path("a.csv")) == Path("a.csv")
