"""Fitted attributes of an estimator, delegated to its fitted model."""

from __future__ import annotations

import pandas as pd

from gensynth.encoding.table import TableEncoder
from gensynth.engine.fitted import FittedModel
from gensynth.engine.notebook import Shown, shown_models
from gensynth.model import GenerativeModel, Recipe
from gensynth.schema import TableSchema


class FittedAttributes:
    """Mixin of estimators with one `FittedModel` as ``fitted_``: fitted attributes."""

    fitted_: FittedModel

    @property
    def recipe_(self) -> Recipe:
        """The recipe that was built."""
        return self.fitted_.recipe

    @property
    def encoder_(self) -> TableEncoder:
        """Table to encoded rows and back."""
        return self.fitted_.encoder

    @property
    def schema_(self) -> TableSchema:
        """The schema of the columns, with their relations."""
        return self.fitted_.schema

    @property
    def model_(self) -> GenerativeModel:
        """The trained network, in eval mode."""
        return self.fitted_.model

    @property
    def history_(self) -> pd.DataFrame:
        """One row per evaluation of the training."""
        return self.fitted_.history

    @property
    def n_iter_(self) -> int:
        """Number of trained epochs, over all stages."""
        return self.fitted_.n_epochs

    @property
    def seed_(self) -> int:
        """Seed that reproduces the fit, whatever ``random_state`` was."""
        return self.fitted_.seed

    def _shown(self) -> Shown | None:
        """Return the notebook display of the fitted model."""
        return shown_models(type(self).__name__, [self.fitted_]) if hasattr(self, "fitted_") else None
