"""scikit-learn's own checks of the Synthesizer: none is expected to fail."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from toy_models import Toy

from gensynth.synthesizer import Synthesizer
from gensynth.training import Trainer


@pytest.mark.filterwarnings("ignore::gensynth.errors.IdentifierWarning")
@parametrize_with_checks([Synthesizer(Toy(), trainer=Trainer(max_epochs=2, progress=False), random_state=0)])
def test_scikit_learn_check(estimator, check):
    check(estimator)
