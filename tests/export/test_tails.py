"""Tails, combined scores and p-values on tensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gensynth.engine.scoring.conformal import conformal_p_values
from gensynth.engine.scoring.tails import SHAPES, EmpiricalTail, GammaTail
from gensynth.export.tails import nats, p_values


@pytest.mark.parametrize("shape", [SHAPES[0], 0.7, 1.0, 3.3, 40.0, SHAPES[-1]])
def test_gamma_tails(shape):
    tail = GammaTail(float(shape), 1.7, -2.0)
    z = np.concatenate([[-1.0, 0.0], np.geomspace(1e-12, 1e5, 4000), shape * np.geomspace(0.01, 10, 2000)])
    anomaly_scores = tail.start + tail.scale * z
    wanted, found = tail.nats(anomaly_scores), nats(tail, torch.from_numpy(anomaly_scores)).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-9)


def test_a_tail_without_width_and_ranks():
    anomaly_scores = np.concatenate([[-5.0], np.random.default_rng(0).exponential(1, 500), [1e3, 1e9]])
    for tail in (GammaTail(1.0, 0.0, 0.3), EmpiricalTail.fit(anomaly_scores[:400]), EmpiricalTail.fit(np.ones(9))):
        found = nats(tail, torch.from_numpy(anomaly_scores)).numpy()
        np.testing.assert_allclose(found, tail.nats(anomaly_scores), rtol=1e-12, atol=1e-12)


def test_p_values_count_ties_and_what_rounding_makes_of_them():
    calibration = np.round(-np.random.default_rng(0).exponential(3, 700), 2)
    scores = np.concatenate([calibration, [-100.0, 0.0, calibration.min() - 1.0]])
    wanted = conformal_p_values(scores, calibration)
    for noise in (0.0, 5e-8, -5e-8):  # beyond what graph and engine are apart
        np.testing.assert_array_equal(p_values(torch.from_numpy(scores + noise), calibration).numpy(), wanted)
