from __future__ import annotations

import torch
from toy_layouts import categories

from gensynth.model import UNKNOWN, ColumnLayout, Layout
from gensynth.nn.tabular.categorical_slots import CategoricalSlots


def test_log_likelihood_equals_a_softmax_a_column():
    layout = categories(2, 5, 3, 9)
    code_slots = CategoricalSlots(layout)
    logits = torch.randn(7, code_slots.n_slots)
    codes = torch.stack([torch.randint(0, c, (7,)) for c in layout.cardinalities], 1)
    got = code_slots.log_likelihood(logits, codes)
    for i, cardinality in enumerate(layout.cardinalities):
        first = int(code_slots.offsets[i])
        expected = logits[:, first : first + cardinality].log_softmax(-1).gather(1, codes[:, i : i + 1]).squeeze(1)
        torch.testing.assert_close(got[:, i], expected)


def test_samples_follow_the_frequencies_and_are_never_unknown():
    frequencies = (0.0, 0.01, 0.99)
    layout = Layout((ColumnLayout("rare", frequencies), *categories(6).columns), 10_000)
    code_slots = CategoricalSlots(layout)
    rng = torch.Generator().manual_seed(0)
    codes = code_slots.sample(code_slots.log_marginals.expand(50_000, -1), rng)
    assert (codes != UNKNOWN).all()
    assert abs((codes[:, 0] == 1).double().mean() - 0.01) < 0.003  # a 99/1 column stays 99/1
    assert torch.bincount(codes[:, 1], minlength=7)[1:].min() > 7_800


def test_probabilities_sum_to_one_a_column_without_unknown_and_padding():
    layout = categories(2, 5)
    code_slots = CategoricalSlots(layout)
    probability = code_slots.softmax(torch.randn(4, code_slots.n_slots))
    torch.testing.assert_close(probability.sum(1), torch.full((4,), 2.0))
    assert (probability[:, code_slots.offsets] == 0).all()
