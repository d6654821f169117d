"""Scores of the adversarial model."""

from __future__ import annotations

import copy

import pytest
import torch
from adversarial_models import rng_of
from toy_layouts import mixed_rows

from gensynth.errors import OptionError
from gensynth.model import Batch


@pytest.mark.parametrize("method", ["critic", "feature"])
def test_planted_anomalies_score_lower_than_normal_rows(wgan, method):
    normal = mixed_rows(1000, seed=3)
    # the category says a low number and the flag a high one, then the other way round
    codes = torch.tensor([[1, 3, 2], [3, 21, 1]]).repeat(100, 1)
    planted = Batch(torch.full((200, 1), 0.5), codes)
    scores = [wgan.score(rows, method).rows for rows in (normal, planted)]
    auroc = (scores[0].unsqueeze(1) > scores[1]).double().mean()
    assert auroc > 0.7


@pytest.mark.parametrize("method", [None, "critic", "feature"])
def test_a_score_depends_on_its_row_alone(wgan, method):
    double = copy.deepcopy(wgan).double()
    rows = mixed_rows(64).to("cpu", torch.float64)
    scores = double.score(rows, method).rows
    assert scores.dtype == torch.float64
    torch.testing.assert_close(double.score(rows[10:13], method).rows, scores[10:13], rtol=1e-9, atol=1e-12)
    order = torch.randperm(64, generator=rng_of())
    torch.testing.assert_close(double.score(rows[order], method).rows, scores[order], rtol=1e-9, atol=1e-12)


def test_an_unknown_score_method_names_the_known_ones(wgan):
    with pytest.raises(OptionError, match="'feature', 'critic'"):
        wgan.score(mixed_rows(3), "elbo")
