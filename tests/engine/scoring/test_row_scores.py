"""A row's score is its own, bit by bit; a small sample is the beginning of a large one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from toy_detectors import make_detector, make_rows, plant
from toy_models import ToyModel, toy_layout

from gensynth import AnomalyDetector, Synthesizer, Trainer
from gensynth.encoding.rows import Rows
from gensynth.engine.scoring.row_scores import member_scores, reproducible_scores
from gensynth.model import Score

FAMILIES = ("vlae", "vae", "beta-vae", "vq-vae", "nvae", "gan", "wgan", "lsgan", "dragan", "cgan")
TRAINER = Trainer(max_epochs=1, progress=False, device="cpu")
ROWS = make_rows(150)
CONDITIONAL = ("vlae", "vae", "beta-vae", "vq-vae", "nvae", "cgan")


def equal(one, other):
    pd.testing.assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True), check_exact=True)


@pytest.fixture(scope="module", params=FAMILIES)
def synthesizer(request):
    first = "region" if request.param in CONDITIONAL else None
    return Synthesizer(request.param, condition_on=first, trainer=TRAINER, random_state=0).fit(ROWS)


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_labels_and_shares_do_not_depend_on_the_other_rows(family):
    detector = AnomalyDetector(family, trainer=TRAINER, random_state=0).fit(ROWS)
    rows = plant(ROWS)
    scores, p_values, labels = detector.score_samples(rows), detector.p_values(rows), detector.predict(rows)
    shares = detector.explain(rows).to_numpy()
    order = np.random.default_rng(0).permutation(len(rows))
    for part in (order, order[:70], order[:1], np.arange(5), np.repeat(3, 9), np.arange(149, 150)):
        some = rows.iloc[part]
        assert (detector.score_samples(some) == scores[part]).all()
        assert (detector.p_values(some) == p_values[part]).all()
        assert (detector.predict(some) == labels[part]).all()
        np.testing.assert_allclose(detector.explain(some).to_numpy(), shares[part], rtol=1e-9, atol=1e-9)


def test_scores_of_a_synthesizer_do_not_depend_on_the_other_rows(synthesizer):
    scores = synthesizer.score_samples(ROWS)
    order = np.random.default_rng(0).permutation(len(ROWS))
    for part in (order, order[:70], order[:1], np.repeat(3, 9)):
        assert (synthesizer.score_samples(ROWS.iloc[part]) == scores[part]).all()


def test_equal_rows_have_equal_scores_and_labels():
    rows = pd.concat([make_rows(40)] * 5, ignore_index=True)
    detector = make_detector(epochs=2, contamination=0.1).fit(rows)
    scores = detector.score_samples(rows).reshape(5, 40)
    assert (scores == scores[0]).all()
    labels = detector.predict(rows).reshape(5, 40)
    assert (labels == labels[0]).all()


class Noisy(ToyModel):
    """Its scores are off by what matrix products are off by, another amount at each place among other rows."""

    def score(self, batch, method=None, *, attribute=False):
        rng = torch.Generator().manual_seed(len(batch))
        noise = torch.rand(len(batch), generator=rng, dtype=torch.float64) - 0.5
        return Score(batch.numeric[:, 0] * (1 + 2e-15 * noise))


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4, 1e12])
def test_the_rounding_of_matrix_products_is_not_seen(size):
    n = 20_000
    model = Noisy(toy_layout()).double()
    numbers = size * np.random.default_rng(0).standard_normal((n, 1))
    numbers[:100] = np.rint(numbers[:100] / size * 2**20) / 2**20 * size
    rows = Rows(numbers, np.ones((n, 2), dtype=np.int32))

    def score_rows(rows):
        return reproducible_scores(lambda some: member_scores(model, some, "none")[0], rows)

    scores = score_rows(rows)
    np.testing.assert_allclose(scores, numbers[:, 0], rtol=1e-8, atol=1e-11)
    order = np.random.default_rng(1).permutation(n)
    assert (score_rows(rows[order]) == scores[order]).all()
    assert (score_rows(rows[order[:777]]) == scores[order[:777]]).all()
    assert all(score_rows(rows[i : i + 1])[0] == scores[i] for i in range(100))


def test_a_whole_number_is_encoded_alike_beside_any_other():
    large = pd.DataFrame({"x": [2**53 + 1, 2**62, -(2**62), 5, 7] * 20, "y": np.arange(100.0) % 7})
    synthesizer = Synthesizer("vae", schema={"x": "numeric"}, trainer=TRAINER, random_state=0).fit(large)
    new = pd.DataFrame({"x": [2**53 + 3, -(2**63), 2**63 - 1, 9], "y": [1.0] * 4})
    scores = synthesizer.score_samples(new)
    assert [synthesizer.score_samples(new.iloc[[i]])[0] for i in range(4)] == scores.tolist()


def test_a_small_sample_is_the_beginning_of_a_large_one(synthesizer):
    large = synthesizer.sample(700, random_state=5)
    for n in (1, 5, 64, 65, 100, 300):
        equal(synthesizer.sample(n, random_state=5), large.head(n))
    assert not large.iloc[:64].reset_index(drop=True).equals(large.iloc[64:128].reset_index(drop=True))


@pytest.mark.parametrize("synthesizer", CONDITIONAL, indirect=True)
@pytest.mark.parametrize("conditions", [{"region": "north"}, {"region": ["north", "west"]}])
def test_so_is_one_with_conditions(synthesizer, conditions):
    large = synthesizer.sample(300, conditions, random_state=5)
    for n in (1, 5, 100):
        equal(synthesizer.sample(n, conditions, random_state=5), large.head(n))
    assert large["region"].isin(np.ravel(conditions["region"])).all()


@pytest.mark.parametrize("synthesizer", CONDITIONAL, indirect=True)
def test_a_table_of_conditions_of_any_length_is_met(synthesizer):
    wanted = pd.DataFrame({"region": ["north", "west", "south"] * 30})
    for n in (1, 5, 64, 70, 90):
        assert (synthesizer.sample(conditions=wanted.head(n))["region"].to_numpy() == wanted["region"].head(n)).all()


def test_an_empty_sample_is_empty(synthesizer):
    assert len(synthesizer.sample(0)) == 0
