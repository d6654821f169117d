"""scikit-learn's own checks of the AnomalyDetector, those of outlier detectors among them."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from toy_models import Toy

from gensynth import AnomalyDetector, Trainer
from gensynth.models import VAE

SHUFFLED = "the check shuffles the rows, and batches depend on their order; see test_estimator_sample_weight.py"
SMALL = Trainer(max_epochs=2, progress=False, batch_size=32)


@pytest.mark.filterwarnings("ignore::gensynth.errors.IdentifierWarning")
@parametrize_with_checks(
    [
        AnomalyDetector(VAE(n_members=2, hidden=(8, 8)), trainer=SMALL, random_state=0),
        AnomalyDetector(VAE(n_members=1, hidden=(8, 8)), novelty=True, trainer=SMALL, random_state=0),
        AnomalyDetector(Toy(), n_estimators=2, trainer=SMALL, random_state=0),
    ],
    expected_failed_checks=lambda detector: (
        {"check_sample_weight_equivalence_on_dense_data": SHUFFLED}
        | ({"check_outliers_fit_predict": "contamination is the share of new normal rows"} if detector.novelty else {})
    ),
)
def test_scikit_learn_check(estimator, check):
    check(estimator)
