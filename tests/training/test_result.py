from __future__ import annotations

import numpy as np
from toy_models import ToyModel, toy_batch, toy_layout
from toy_runs import QUICK, build

from gensynth.training import Trainer


def test_the_result_says_which_rows_were_not_learned_from():
    learned = set()

    class Watching(ToyModel):
        def loss(self, batch, rng):
            if self.training:
                learned.update(batch.numeric.flatten().tolist())
            return super().loss(batch, rng)

    rows = toy_batch(200)
    held_out = Trainer(**QUICK).run(Watching(toy_layout()), rows, 0).held_out
    assert len(held_out) == 20
    assert learned == set(rows.numeric.flatten().tolist()) - set(rows.numeric[held_out.rows].flatten().tolist())
    assert len(Trainer(**QUICK).run(build(), toy_batch(15), 0).held_out) == 0
    assert len(Trainer(**{**QUICK, "validation_fraction": 0.0}).run(build(), toy_batch(50), 0).held_out) == 0


def test_held_out_rows_have_their_weights():
    weights = np.arange(1, 101)
    held_out = Trainer(**QUICK).run(build(), toy_batch(100), 0, weights=weights).held_out
    assert len(held_out) == 505  # a tenth of the parts
    assert (held_out.row_weights(100) <= weights).all()
