from __future__ import annotations

from toy_models import toy_batch
from toy_runs import QUICK, build

from gensynth.training import Callback, Trainer
from gensynth.training.callbacks import EvaluationRound


def test_callbacks_see_rounds_and_can_stop():
    stages, infos = [], []

    class Stopper(Callback):
        def on_stage(self, name):
            stages.append(name)

        def on_round(self, info):
            infos.append(info)
            return len(infos) == 2

    plain: list[EvaluationRound] = []
    history = (
        Trainer(**{**QUICK, "max_epochs": 1000, "callbacks": [Stopper(), plain.append]})
        .run(build(), toy_batch(), 0)
        .history
    )
    assert stages == ["codes"]
    assert len(history) == len(plain) == 2
    assert infos[1].best <= infos[0].monitor
    assert infos[0].to_row() == history[0]
