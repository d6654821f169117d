"""Independent columns, each with a categorical distribution."""

from dataclasses import dataclass

import torch
from torch import nn

from gensynth.errors import CapabilityError
from gensynth.model import Batch, GenerativeModel, Optimizer, Phase, Recipe, Score, Stage


@dataclass(eq=False)
class Independent(Recipe):
    """Independent columns: the baseline that every other family has to beat."""

    score_methods = ("likelihood",)
    learning_rate: float = 0.05

    def build(self, layout):
        return IndependentModel(layout, self.learning_rate)


class IndependentModel(GenerativeModel):
    score_methods = ("likelihood",)

    def __init__(self, layout, learning_rate):
        super().__init__(layout)
        self.learning_rate = learning_rate
        self.logits = nn.ParameterList(nn.Parameter(torch.zeros(n)) for n in layout.cardinalities)

    def stages(self):
        def loss(batch, rng):
            return -self.score(batch).rows

        phase = Phase("columns", tuple(self.parameters()), loss, Optimizer(self.learning_rate))
        return (Stage("fit", (phase,)),)

    def generate(self, n, rng, observed=None):
        if observed is not None:
            raise CapabilityError("columns are independent: no cell follows from given ones")
        codes = torch.stack(
            [1 + torch.multinomial(logits[1:].softmax(0), n, True, generator=rng) for logits in self.logits], 1
        )
        numeric = torch.zeros(n, self.layout.n_numeric)
        for j, column in enumerate(self.layout.columns):
            if column.numeric is not None:
                inside = column.numeric.beside(codes[:, j])
                numeric[:, column.numeric.index] = torch.where(inside, torch.rand(n, generator=rng), 0.0)
        return Batch(numeric, codes)

    def score(self, batch, method=None, *, attribute=False):
        terms = [logits.log_softmax(0)[batch.codes[:, j]] for j, logits in enumerate(self.logits)]
        density = torch.stack(terms, 1).sum(1)
        return Score(density if batch.log_jacobian is None else density + batch.log_jacobian.sum(1))
