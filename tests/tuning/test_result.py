"""What is said of trials."""

from __future__ import annotations

from gensynth.tuning import Trial, Tuning


def tuning(*trials: Trial) -> Tuning:
    best = min((trial for trial in trials if trial.state == "judged"), key=lambda trial: trial.distance)
    return Tuning("vae", trials, best, 70, 30, 0, 9.0)


def test_better_settings_are_told_with_the_defaults_beside_them() -> None:
    found = tuning(Trial({}, "judged", 0.3), Trial({"width": 4, "hidden": (8, 8)}, "judged", 0.1))
    assert found.verdict == (
        "vae with width=4, hidden=(8, 8): distance 0.100 from real rows, 0.300 with the defaults, after 2 trials."
    )
    assert found.to_json()["settings"] == {"model.width": 4, "model.hidden": (8, 8)}


def test_what_may_be_chance_is_said() -> None:
    found = tuning(Trial({}, "judged", 0.11), Trial({"width": 4}, "judged", 0.1), Trial({}, "pruned"))
    assert "about that of the defaults (0.110), after 3 trials (1 ended early): it may be chance" in found.verdict


def test_defaults_that_failed_and_defaults_that_are_best() -> None:
    failed = tuning(Trial({}, "failed", error="why"), Trial({"width": 4}, "judged", 0.1))
    assert failed.verdict.endswith("the best of 2 trials (1 failed); the defaults could not be judged.")
    assert failed.to_json()["trials"][0]["distance"] is None
    assert tuning(Trial({}, "judged", 0.1), Trial({"width": 4}, "judged", 0.2)).verdict.startswith("Keep the defaults")
