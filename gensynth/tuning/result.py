"""Result of tuning: the best settings, the defaults, and every trial."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from gensynth.comparison.verdict import CLOSE_CALL
from gensynth.version import __version__

State = Literal["judged", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """One model with its settings.

    Parameters
    ----------
    settings : dict
        Hyperparameters that differ from the defaults; none: the defaults.
    state : {"judged", "pruned", "failed"}
        Its rows were judged; its training was ended early, as others had been better by then; or it failed.
    distance : float
        Of its rows from real ones (`gensynth.comparison.ModelResult.distance`), plus 1 where they repeat training rows;
        NaN if they were not judged.
    seconds : float
        Time that it took.
    error : str or None
        Why it failed.
    repeats : bool
        Whether its rows repeat training rows.
    """

    settings: Mapping[str, Any]
    state: State
    distance: float = math.nan
    seconds: float = 0.0
    error: str | None = None
    repeats: bool = False


@dataclass(frozen=True)
class Tuning:
    """Result of `tune`.

    Parameters
    ----------
    model : str
        Name of the family.
    trials : tuple of Trial
        In their order; the first has the defaults.
    best : Trial
        The one whose rows are most like real ones.
    n_train, n_holdout : int
        Rows that models were fitted to, and rows that they were judged by.
    random_state : int
        Seed of split, fits and search.
    given : dict
        Hyperparameters of the recipe that were given, and not searched.
    seconds : float
        Time that it took.
    """

    model: str
    trials: tuple[Trial, ...]
    best: Trial
    n_train: int
    n_holdout: int
    random_state: int
    seconds: float
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """The verdict on tuning, in one line."""
        found = self._found()
        return f"{found} Its rows repeat training rows, as those of all trials do." if self.best.repeats else found

    def _found(self) -> str:
        default = self.trials[0]
        if len(self.trials) == 1:
            return f"There was time for the defaults of {self.model} alone (distance {default.distance:.3f})."
        counts = {state: sum(trial.state == state for trial in self.trials) for state in ("pruned", "failed")}
        aside = ", ".join(f"{n} {'ended early' if state == 'pruned' else state}" for state, n in counts.items() if n)
        tried = f"{len(self.trials)} trials{f' ({aside})' if aside else ''}"
        if self.best is default:
            return f"Keep the defaults of {self.model}: of {tried} none is better (distance {default.distance:.3f})."
        shown = ", ".join(f"{name}={value}" for name, value in self.best.settings.items())
        told = f"{self.model} with {shown}: distance {self.best.distance:.3f} from real rows"
        if default.state != "judged":
            return f"{told}, the best of {tried}; the defaults could not be judged."
        if default.distance - self.best.distance <= CLOSE_CALL:
            return f"{told}, about that of the defaults ({default.distance:.3f}), after {tried}: it may be chance."
        return f"{told}, {default.distance:.3f} with the defaults, after {tried}."

    def to_frame(self) -> pd.DataFrame:
        """Return one row per trial, the best first: state, distance, seconds, error and the settings."""
        rows = [
            {"trial": n, "state": t.state, "distance": t.distance, "seconds": t.seconds, "error": t.error, **t.settings}
            for n, t in enumerate(self.trials)
        ]
        return pd.DataFrame(rows).set_index("trial").sort_values("distance", kind="stable")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; ``gensynth fit --settings`` reads ``model`` and ``settings``."""
        return {
            "gensynth": __version__,
            "model": self.model,
            "settings": {f"model.{name}": value for name, value in {**self.given, **self.best.settings}.items()},
            "verdict": self.verdict,
            "rows": {"train": self.n_train, "holdout": self.n_holdout},
            "random_state": self.random_state,
            "trials": [
                {
                    "settings": dict(trial.settings),
                    "state": trial.state,
                    "distance": round(trial.distance, 6) if math.isfinite(trial.distance) else None,
                    "seconds": round(trial.seconds, 2),
                    "error": trial.error,
                }
                for trial in self.trials
            ],
            "seconds": round(self.seconds, 2),
        }
