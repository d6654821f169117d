"""``gensynth fit``."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Run


def test_set_reaches_model_and_trainer(folder: Path, run: Run) -> None:
    from gensynth import load

    more = ["-m", "vae", "--set", "model.latent_dim=3", "--set", "model.hidden=8,8", "--set", "model.dropout=none"]
    assert run("fit", "good.csv", "-o", "new.gensynth", *more, "--set", "trainer.max_epochs=2").code == 0
    fitted = load("new.gensynth")
    assert (fitted.recipe_.latent_dim, fitted.recipe_.hidden, fitted.recipe_.dropout) == (3, (8, 8), None)
    assert fitted.trainer.max_epochs == 2


def test_conditions_that_a_family_cannot_take_are_refused_before_training(folder: Path, run: Run, monkeypatch) -> None:
    monkeypatch.setattr("gensynth.training.Trainer.run", lambda *_, **__: pytest.fail("it trained"))
    outcome = run("fit", "good.csv", "-o", "new.gensynth", "-m", "gan", "--condition-on", "sex")
    assert outcome.code == 2
    assert "the model 'gan' cannot sample rows given some of their cells; models that can: " in outcome.err


@pytest.mark.parametrize(("n", "told"), [(19, True), (20, False)])
def test_few_rows_may_come_back(n: int, told: bool, folder: Path, run: Run) -> None:
    Path("few.csv").write_text("a,b\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(n)))
    outcome = run("fit", "few.csv", "-o", "few.gensynth", "-m", "vae", "--set", "trainer.max_epochs=2")
    assert outcome.code == 0
    assert (f"note: {n} rows are too few" in outcome.err) is told
