"""``gensynth tune``, and ``gensynth fit --settings``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from command_line import Run

import gensynth

QUICK = ["-m", "vae", "--set", "trainer.max_epochs=1", "--target", "label"]


def test_the_best_settings_and_the_model_are_written(folder: Path, run: Run) -> None:
    pytest.importorskip("optuna")
    options = ["--trials", "3", "--max-time", "300", "--json", "best.json", "-o", "best.gensynth"]
    outcome = run("tune", "good.csv", *QUICK, *options)
    assert outcome.code == 0, outcome.err
    found = json.loads(Path("best.json").read_text())
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["trial", "settings", "distance", "s"]
    assert sorted(line.split()[0] for line in lines[1:4]) == ["1", "2", "3"]
    assert lines[-1] == found["verdict"]
    assert len(found["trials"]) == 3
    assert "best.gensynth and best.json written" in outcome.err
    model = gensynth.load("best.gensynth")
    own = model.recipe_.to_json()
    assert {f"model.{name}": own[name] for name in (key[6:] for key in found["settings"])} == found["settings"]
    assert len(model.sample(5)) == 5


def test_without_optuna_the_extra_is_named(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    outcome = run("tune", "good.csv", *QUICK)
    assert (outcome.code, outcome.out) == (2, "")
    assert "pip install 'gensynth[tune]'" in outcome.err
    assert "Traceback" not in outcome.err


def test_fit_takes_settings_of_a_file(folder: Path, run: Run) -> None:
    given = {"model": "vae", "settings": {"model.latent_dim": 3, "model.hidden": [16, 16], "model.beta": 0.5}}
    Path("s.json").write_text(json.dumps(given))
    more = ["--set", "trainer.max_epochs=1", "--set", "model.beta=0.25", "-o", "out.gensynth"]
    outcome = run("fit", "good.csv", "--settings", "s.json", *more)
    assert outcome.code == 0, outcome.err
    recipe = gensynth.load("out.gensynth").recipe_
    assert type(recipe).__name__ == "VAE"
    assert (recipe.latent_dim, recipe.hidden, recipe.beta) == (3, (16, 16), 0.25)


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        ("{", [], "--settings s.json cannot be read as JSON"),
        ("[]", [], "--settings s.json: expected {"),
        ('{"settings": {"model.latent_dmi": 3}}', ["-m", "vae"], "Did you mean 'model.latent_dim'?"),
        ('{"model": "vae", "settings": {}}', ["-m", "wgan"], "is of the model 'vae', and --model is 'wgan'"),
        ('{"model": "vea", "settings": {}}', [], "Did you mean 'vae'?"),
        ('{"model": "vae", "settings": {"model.latent_dim": "x"}}', [], "model.latent_dim='x', expected"),
        (None, [], "--settings s.json cannot be read as JSON"),
    ],
)
def test_bad_settings_files(folder: Path, run: Run, content, arguments, said) -> None:
    if content is not None:
        Path("s.json").write_text(content)
    outcome = run("fit", "good.csv", "--settings", "s.json", *arguments, "-o", "out.gensynth")
    assert (outcome.code, said in outcome.err) == (2, True), outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--max-time", "0"], "--max-time must be more than 0"),
        (["-o", "x.csv"], "the name must end in .gensynth"),
        (["--trials", "1"], "ask for more trials"),
        (["--set", "trainer.max_time=3"], "--max-time and --set trainer.max_time are the same"),
        (["--target", "labl"], "did you mean 'label'?"),
    ],
)
def test_bad_options(folder: Path, run: Run, arguments, said) -> None:
    pytest.importorskip("optuna")
    outcome = run("tune", "good.csv", "-m", "vae", *arguments)
    assert (outcome.code, said in outcome.err) == (2, True), outcome.err
