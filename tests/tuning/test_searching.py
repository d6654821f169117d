"""Settings that are searched: the best of the trials, and what becomes of those that fail or are ended early."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from evaluated_tables import bills
from toy_models import Toy

from gensynth import Trainer
from gensynth.constraints import Among, Between, SearchSpace
from gensynth.errors import MissingPackageError, OptionError, TrainingError
from gensynth.tuning import Tuning, searching, tune
from gensynth.tuning.result import Trial
from gensynth.tuning.searching import PrunedError, Pruning

TRAINER = Trainer(max_epochs=1, progress=False)
needs_optuna = pytest.mark.skipif(
    __import__("importlib.util").util.find_spec("optuna") is None, reason="optuna is not installed"
)


@dataclass(eq=False)
class Searched(Toy):
    search_space: ClassVar[SearchSpace] = {
        "width": Between(4, 16, log=True, whole=True),
        "dropout": Between(0.0, 0.5),
        "sizes": Among(((8, 8), (16,))),
    }


@dataclass(eq=False)
class Fragile(Searched):
    """Builds with its defaults only, or never."""

    width: int = 32
    never: bool = False

    def build(self, layout):
        if self.never or self.width != 32:
            raise ZeroDivisionError("no such width")
        return super().build(layout)


def searched(recipe: Toy, **options: Any) -> Tuning:
    frame = bills(120, 0).drop(columns="key")
    return tune(frame, recipe, **{"n_trials": 4, "max_time": 300, "trainer": TRAINER, **options})


@needs_optuna
def test_the_best_of_the_trials_is_returned() -> None:
    found = searched(Searched(), target="late")
    assert len(found.trials) == 4
    assert found.trials[0].settings == {}
    for trial in found.trials[1:]:
        assert trial.settings.keys() == {"width", "dropout", "sizes"}
        assert 4 <= trial.settings["width"] <= 16
        assert trial.settings["sizes"] in ((8, 8), (16,))
    assert found.best.distance == min(trial.distance for trial in found.trials)
    assert found.to_frame().index[0] == found.trials.index(found.best)
    written = found.to_json()
    assert written["settings"] == {f"model.{name}": value for name, value in found.best.settings.items()}
    assert [trial["state"] for trial in written["trials"]] == ["judged"] * 4
    assert "4 trials" in found.verdict


@needs_optuna
def test_same_seed_same_trials() -> None:
    one, other = (searched(Searched(), random_state=3, n_trials=3) for _ in range(2))
    assert [trial.settings for trial in one.trials] == [trial.settings for trial in other.trials]
    assert [trial.distance for trial in one.trials] == [trial.distance for trial in other.trials]


@needs_optuna
def test_trials_that_fail_end_no_others() -> None:
    found = searched(Fragile())
    assert found.best is found.trials[0]
    assert {trial.state for trial in found.trials[1:]} == {"failed"}
    assert found.trials[1].error == "no such width"
    assert found.verdict.startswith("Keep the defaults of Fragile: of 4 trials (3 failed) none is better")
    with pytest.raises(TrainingError, match="every trial failed, the first one with: no such width"):
        searched(Fragile(never=True))


@needs_optuna
def test_no_trial_begins_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "_LAST_START", 0.0)
    assert len(searched(Searched()).trials) == 1


@needs_optuna
def test_a_trial_is_ended_early(monkeypatch: pytest.MonkeyPatch) -> None:
    import optuna

    monkeypatch.setattr(optuna.trial.Trial, "should_prune", lambda self: self.number > 0)
    found = searched(Searched(), trainer=Trainer(max_epochs=60, progress=False))
    assert [trial.state for trial in found.trials] == ["judged", "judged", "pruned", "pruned"]
    assert "2 ended early" in found.verdict


def test_only_the_first_stage_is_told_of() -> None:
    reported = []
    trial = SimpleNamespace(
        report=lambda value, step: reported.append((value, step)), should_prune=lambda: len(reported) == 3
    )
    watch = Pruning(trial)
    for stage, best in [("a", 5.0), ("a", 4.0), ("b", 9.0), ("a", float("inf"))]:
        watch(SimpleNamespace(stage=stage, best=best))  # type: ignore[arg-type]
    assert reported == [(5.0, 0), (4.0, 1)]
    with pytest.raises(PrunedError):
        watch(SimpleNamespace(stage="a", best=3.0))  # type: ignore[arg-type]
    assert watch.pruned


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'gensynth\[tune\]'"):
        searched(Searched())


@needs_optuna
@pytest.mark.parametrize(
    ("options", "said"),
    [({"n_trials": 0}, "n_trials=0"), ({"max_time": 0}, "max_time=0"), ({"target": "nothing"}, "is not a column")],
)
def test_bad_parameters_are_refused(options, said) -> None:
    with pytest.raises(OptionError, match=said):
        searched(Searched(), **options)
    with pytest.raises(OptionError, match="declares no search_space"):
        searched(Toy())


@dataclass(eq=False)
class Weighed(Searched):
    """What its training is monitored by depends on a setting that is searched."""

    in_monitor: ClassVar[frozenset[str]] = frozenset({"dropout"})


@needs_optuna
def test_a_monitor_that_settings_are_part_of_ends_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "Pruning", lambda _: pytest.fail("a trial is told of its monitor"))
    found = searched(Weighed(), n_trials=2)
    assert len(found.trials) == 2


@needs_optuna
def test_settings_that_are_given_keep_their_values_and_are_written() -> None:
    found = searched(Searched(width=5), n_trials=3)
    assert all("width" not in trial.settings for trial in found.trials)
    assert found.to_json()["settings"]["model.width"] == 5
    with pytest.raises(OptionError, match="has a value already"):
        searched(Searched(width=5, dropout=0.25, sizes=(16,)))


def test_the_defaults_alone_are_no_search() -> None:
    alone = Tuning("vae", (Trial({}, "judged", 0.2),), Trial({}, "judged", 0.2), 10, 5, 0, 1.0)
    assert "time for the defaults of vae alone" in alone.verdict
