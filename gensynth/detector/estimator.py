"""The scikit-learn outlier detector over every family of models: see `AnomalyDetector`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from gensynth.constraints import FLAG, NONE, Constraint, check_parameters, number, one_of, whole
from gensynth.defaults import DETECTION_MODEL
from gensynth.detector.calibration import estimate_by_category, threshold_of_contaminated, threshold_of_normal
from gensynth.detector.decisions import OutlierDecisions
from gensynth.detector.density import fit_combined
from gensynth.detector.options import prepared_recipe, recipe_of_images, with_part_of_time
from gensynth.detector.rows import calibration_rows, checked_parts, learned_and_kept
from gensynth.detector.state import FittedDetector
from gensynth.engine.capabilities import score_method
from gensynth.engine.estimator import TableEstimator
from gensynth.engine.fitted_model import FittedModel, check_fit
from gensynth.engine.inputs.encoded_table import EncodedTable
from gensynth.engine.inputs.images import brings_images
from gensynth.engine.inputs.streams import as_stream, rows_counted_from
from gensynth.engine.inputs.tables import fit_input, new_input, weighted_rows
from gensynth.engine.parameters import RandomState, seed_of
from gensynth.engine.scoring.analysis import Analysis
from gensynth.engine.scoring.ensemble import Ensemble, ScoreScaling
from gensynth.errors import OptionError
from gensynth.export.estimators import ExportedDetector
from gensynth.model import Recipe
from gensynth.nn import ranks
from gensynth.schema import Column, TableSchema
from gensynth.training import Trainer

BATCH_SIZE = 128

Floats = NDArray[np.float64]


class AnomalyDetector(OutlierDecisions, FittedDetector, ExportedDetector, TableEstimator):
    """Detect anomalous rows with an ensemble of deep generative models.

    Parameters
    ----------
    model : str or Recipe
        Name of a registered model, or a recipe with its hyperparameters: the family's ensemble for scoring is trained.
    method : str, default="auto"
        Score method of the model; "auto" for its default. (Not named ``score``, which scikit-learn reserves.)
    n_estimators : int or None, default=None
        Number of networks in the ensemble, trained together; None for the recipe's own number. A family without
        ensembles is fitted this many times (None: once), with different seeds.
    contamination : float or "auto", default="auto"
        Fraction of anomalies, in (0, 0.5]. With ``novelty=True`` it is the fraction of normal rows that `predict` may
        label as anomalies. "auto": estimated from the scores; 0.01 with ``novelty=True``.
    novelty : bool, default=False
        True: the training rows are normal. False: they may hold anomalies; the worst rows are trimmed from the loss
        (but not for images). Unlike in ``LocalOutlierFactor``, every method is available in both settings.
    calibration_fraction : float or None, default=None
        Fraction of the rows, in (0, 0.5], that ``novelty=True`` uses only for calibration: p-values are then exact.
        None: the calibration rows are those that the trainer held out for early stopping (a tenth of the
        rows if it holds out none).
    density : bool, default=True
        Whether an autoregressive density of the rows is trained beside the ensemble. It models structure that an
        ensemble with few latents smooths over: gaps between clusters, unlikely combinations of values. It is used only
        if it improves the likelihood of held-out rows over simple densities; its weight is larger, the less the
        ensemble agrees with it there.
    trainer : Trainer or None
        Training options; None: the defaults, with batches of 128 rows. All trainings, including that of the density,
        share ``max_time`` evenly.
    schema : TableSchema, mapping or None
        Declared kinds of columns, as for `Synthesizer`.
    relations : "auto", False, or sequence of str or Relation, default="auto"
        Relations between columns, as for `Synthesizer`; a row that breaks an exact one is more anomalous. "auto" finds
        those that every fitted row keeps and, with ``novelty=False``, those that all but a few rows keep (at most 1 %).
        Inequalities are left to the model.
    random_state : int, Generator, RandomState or None
        Seed.
    image_shape : sequence of int or None
        Shape of images in arrays (n, pixels), as for `Synthesizer`.

    Attributes
    ----------
    offset_ : float
        ``decision_function = score_samples - offset_``.
    contamination_ : float
        Fraction of the calibration rows (with ``novelty=False`` of the training rows) below ``offset_``.
    calibration_scores_ : ndarray of shape (n_calibration,)
        Scores of the calibration rows of p-values, at most 5,000: held-out rows, or with ``novelty=False`` training
        rows.
    contamination_range_ : tuple of float or None
        Range of the estimated contamination under other assumptions; None if it was not estimated. If the range is
        wide, the scores do not determine the contamination.
    threshold_ : float
        ``-offset_``, as in PyOD: rows with a higher `anomaly_score` are anomalies.
    decision_scores_ : ndarray of shape (n_samples,)
        `anomaly_score` of the training rows, as in PyOD; not saved in files.
    labels_ : ndarray of shape (n_samples,), int64
        1 for training rows that are anomalies, 0 for the others, as in PyOD; not saved in files.
    estimators_ : list of FittedModel
        The fitted models: one, or several for a family without ensembles.
    scaling_ : ScoreScaling
        Median and interquartile range of each member's scores on the training rows.
    scorer_ : DetectorScorer
        Ensemble and density, with the distributions of their scores on normal rows.
    density_ : WeighedDensity or None
        The density and its agreement with the ensemble; None if it was rejected.
    method_ : str
        Score method of the detector.
    seed_ : int
        Seed that reproduces the fit.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from gensynth import AnomalyDetector, Trainer
    >>> X = load_wine(as_frame=True).data
    >>> detector = AnomalyDetector(trainer=Trainer(max_epochs=5), random_state=0).fit(X)
    >>> strange = X.head(1).assign(alcohol=40.0)
    >>> bool(detector.predict(strange)[0] == -1)
    True
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "method": Constraint(lambda v: isinstance(v, str), "'auto' or the name of a score method"),
        "n_estimators": NONE | whole(1),
        "contamination": one_of("auto") | number(0, 0.5, open_low=True),
        "novelty": FLAG,
        "calibration_fraction": NONE | number(0, 0.5, open_low=True),
        "density": FLAG,
    }

    def __init__(
        self,
        model: str | Recipe = DETECTION_MODEL,
        *,
        method: str = "auto",
        n_estimators: int | None = None,
        contamination: float | Literal["auto"] = "auto",
        novelty: bool = False,
        calibration_fraction: float | None = None,
        density: bool = True,
        trainer: Trainer | None = None,
        schema: TableSchema | Mapping[Any, str | Column] | None = None,
        relations: Any = "auto",
        random_state: RandomState = None,
        image_shape: Sequence[int] | None = None,
    ) -> None:
        self.model = model
        self.method = method
        self.n_estimators = n_estimators
        self.contamination = contamination
        self.novelty = novelty
        self.calibration_fraction = calibration_fraction
        self.density = density
        self.trainer = trainer
        self.schema = schema
        self.relations = relations
        self.random_state = random_state
        self.image_shape = image_shape

    @staticmethod
    def _default_trainer() -> Trainer:
        return Trainer(batch_size=BATCH_SIZE)

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit the detector.

        Parameters
        ----------
        X : DataFrame (pandas, polars), ndarray, pyarrow.Table, TableStream or pyarrow.dataset.Dataset
            Rows of shape (n_samples, n_features): columns of any kind, missing values included; at least 2 rows, better
            10 and more. Or images, as for `Synthesizer`. A stream or a data set is read into memory;
            `TableStream.sample` draws some of its rows.
        y : ignored
            For scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,), number or None
            Row weights, as for `Synthesizer.fit`; they apply to training, p-values and threshold.

        Raises
        ------
        DataError
            A single row, or a column that cannot be learned; a weight that is negative or missing.
        CapabilityError
            The family cannot score rows.
        OptionError
            A parameter has an invalid value.
        """
        self._check_options()
        stream = as_stream(X)
        if stream is not None:
            with rows_counted_from(0, stream):
                return self.fit(stream.whole(), y, sample_weight)
        images = brings_images(X, self.schema, self.image_shape)
        if images:
            recipe, n_models = recipe_of_images(self.model, self.n_estimators)
        else:
            recipe, n_models = prepared_recipe(self.model, self.n_estimators, contaminated=not self.novelty)
        named = score_method(recipe, self.method)
        trainer = self._default_trainer() if self.trainer is None else self.trainer
        check_fit(recipe, trainer)
        trainer = with_part_of_time(trainer, n_models + (self.density and not images))
        frame, container = fit_input(self, X, image_shape=self.image_shape)
        # the remaining index identifies the rows in warnings
        frame, weights = weighted_rows(frame.reset_index(drop=True), sample_weight)
        parts = checked_parts(weights, len(frame))
        seed = ranks.from_first(seed_of(self.random_state))
        learned, kept = parts, None
        if self.novelty:
            learned, kept = learned_and_kept(parts, self.calibration_fraction, trainer, n_models, seed)
        training, own = frame, weights
        if len(learned) < len(parts):
            training, own = weighted_rows(frame, learned.row_weights(len(frame)))
        table = EncodedTable.encode(
            training,
            container,
            recipe.encoding,
            weights=own,
            schema=self.schema,
            relations=self.relations,
            exceptions=not (self.novelty or images),
            learn_constants=True,
            learn_implied=False,
        )
        self.estimators_ = [FittedModel.train(table, recipe, trainer, (seed + i) % 2**32) for i in range(n_models)]
        self.method_ = self.estimators_[0].model.score_method(named)
        if named is None and recipe.score_weights:
            self.method_ = "auto"
        _, rows = self.estimators_[0].encode(frame)
        self.scaling_ = ScoreScaling.fit(self.estimators_, rows[learned.draw()])
        ensemble = Ensemble(self.estimators_, self.score_weights_, self.scaling_)
        own, at = ensemble.score(rows), np.flatnonzero(learned.row_weights(len(frame)))
        dense = trainer if self.density else None
        self.scorer_ = fit_combined(ensemble, table, rows[at], -own[at], dense, seed, contaminated=not self.novelty)
        density = self.scorer_.density_scores(rows)
        scores = self.scorer_.combined(own, density)
        held_out = (kept or self.estimators_[0].held_out or parts) if self.novelty else parts
        counted = calibration_rows(held_out, seed).draw()
        self.calibration_scores_ = np.sort(scores[counted])
        share, self.contamination_range_ = self.contamination, None
        if share == "auto" and not self.novelty:
            columns = [i for i, column in enumerate(table.encoder.layout.columns) if column.numeric is None]
            beside = None if density is None else density[counted]
            share, self.contamination_range_ = estimate_by_category(
                scores[counted], own[counted], beside, rows[counted].codes[:, columns]
            )
        self.offset_ = self._threshold(scores[parts.draw()], share)
        self.contamination_ = float(np.mean(self.calibration_scores_ < self.offset_))
        self.decision_scores_, self.threshold_ = -scores, -self.offset_
        self.labels_ = (scores < self.offset_).astype(np.int64)
        return self

    def _threshold(self, scores: Floats, share: float | Literal["auto"]) -> float:
        """Return the threshold for a contamination, given the ``scores`` (n,) of all rows."""
        if self.novelty:
            return threshold_of_normal(self.calibration_scores_, scores, None if share == "auto" else float(share))
        return threshold_of_contaminated(self.calibration_scores_, float(share))

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None, **_: Any) -> NDArray[np.int64]:
        """Return ``fit(X).predict(X)``."""
        return self.fit(X, y, sample_weight).predict(X)

    def _fitted_schema(self) -> TableSchema:
        check_is_fitted(self, "estimators_")
        return self.estimators_[0].schema

    def _check_options(self) -> None:
        check_parameters(self)
        kept = self.calibration_fraction
        if kept is not None and not self.novelty:
            raise OptionError(f"calibration_fraction={kept!r} needs novelty=True: without it all rows are learned from")

    def analyse(self, X: Any, method: str | None = None) -> Analysis:
        """Return scores, p-values, attributions and reasons of rows from one encoding.

        Parameters are those of `score_samples`.
        """
        check_is_fitted(self, "estimators_")
        first = self.estimators_[0]
        frame = new_input(self, X, first.schema, first.container)
        method = self.method_ if method is None else method
        index = X.index if isinstance(X, pd.DataFrame) else None
        if method == self.method_:
            return Analysis(self.scorer_, frame, index, self.calibration_scores_)
        return Analysis(Ensemble(self.estimators_, self._weights(method), self.scaling_), frame, index)
