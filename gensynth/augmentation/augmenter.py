"""`Augmenter`: an over-sampler with imbalanced-learn's interface, based on a generative model."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin
from sklearn.utils.validation import _check_feature_names, _check_n_features, check_is_fitted

from gensynth.augmentation.compared import ComparedRows, rows_of_result
from gensynth.augmentation.containers import dense, extended, plain, stack, table_of, take, weighted
from gensynth.augmentation.drawn import Drawn
from gensynth.augmentation.notebook import shown_augmenter
from gensynth.augmentation.oversampling import Source, generator
from gensynth.augmentation.strategy import classes_of, rows_to_add
from gensynth.augmentation.tags import SamplingTags, sampling_tags
from gensynth.augmentation.target import Target, labels_of
from gensynth.constraints import whole
from gensynth.defaults import SAMPLING_MODEL
from gensynth.engine.capabilities import require
from gensynth.engine.notebook import N_ROWS, NotebookView, Shown
from gensynth.engine.parameters import make_recipe
from gensynth.errors import DataError, OptionError
from gensynth.tables import Container
from gensynth.tables.imagearrays import are_images, declared_images
from gensynth.training.weights import Weights, check_weights


class Augmenter(NotebookView, OneToOneFeatureMixin, BaseEstimator):
    """Add synthetic rows to rare classes.

    A synthesizer is fitted on the features and the class together, and asked for rows of the classes that need them.
    Works in `imblearn.pipeline.Pipeline`, and by itself; takes tables of mixed types with missing values, and images
    (docs/images.md).

    Parameters
    ----------
    model : str or Recipe
        Model family, as in `Synthesizer`. One that cannot condition is fitted to each class alone.
    sampling_strategy : float, str, dict or callable, default="auto"
        As in imbalanced-learn's over-samplers. float in (0, 1]: rows of the minority over rows of the majority
        afterwards (binary targets only). "minority": fill up the smallest class only; "not minority"; "not majority",
        the same as "auto"; "all". dict: class to the number of rows it has afterwards. callable: from ``y`` to such a
        dict. Besides, "partial": every class but the largest gets at most four new rows for each it has.
    candidates : int, default=1
        Rows that `fit_resample` draws for each new one. Trees that learned from the real rows, of images a linear
        model, say which of them are likeliest of their class, and these are kept. With more than 1 new rows are typical
        of their class, and do not follow its distribution.
    trainer : Trainer, optional
        How to train; the default otherwise.
    schema : TableSchema or dict, optional
        Declared kinds of feature columns, as in `Synthesizer`.
    relations : "auto", False, or sequence of str or Relation, default="auto"
        Relations between columns that new rows keep, as in `Synthesizer`.
    drop_copies : bool, default=False
        Draw other rows in place of those that equal a real row of the class (identifiers aside). The rows that are
        left do not follow the model's distribution: combinations of values that are common among the real rows become
        rare, and where columns hold few values that can turn associations round.
    image_shape : sequence of int or None, default=None
        Shape of the images of an array (n, pixels): (height, width) or (height, width, channels).
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Seed of training and drawing.

    Attributes
    ----------
    sampling_strategy_ : dict
        Rows added to each targeted class.
    copies_ : Copies
        How many synthetic rows equal a real row of their class, how many did and were drawn anew, and which share of
        the real rows equal another one.
    synthetic_mask_ : ndarray of shape (n_samples_new,), bool
        True for the rows of the last `fit_resample` that are synthetic.
    by_class_ : bool
        Whether these rows fill up classes, or are like the whole table.
    sample_weight_ : ndarray of shape (n_samples_new,), float64, or None
        Weights of these rows where ``sample_weight`` was given: the real rows' own, and for synthetic ones that of one
        row: 1 where weights count rows, else their mean.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if they have any.
    columns_ : tuple of Column
        What the columns of the last `fit_resample` or `fit_extend` hold; empty where nothing was drawn.
    history_ : DataFrame
        One row per evaluation of the training, of a family that cannot condition class after class.
    first_rows_ : DataFrame
        The first five synthetic rows, as notebooks show them.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from gensynth import Augmenter, Trainer
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> augmenter = Augmenter(trainer=Trainer(max_epochs=2, progress=False), random_state=0)
    >>> X_res, y_res = augmenter.fit_resample(X, y)
    >>> y_res.value_counts().to_dict()
    {0: 357, 1: 357}
    """

    _estimator_type = "sampler"

    def __init__(
        self,
        model: Any = SAMPLING_MODEL,
        *,
        sampling_strategy: Any = "auto",
        candidates: int = 1,
        trainer: Any = None,
        schema: Any = None,
        relations: Any = "auto",
        drop_copies: bool = False,
        image_shape: Any = None,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.sampling_strategy = sampling_strategy
        self.candidates = candidates
        self.trainer = trainer
        self.schema = schema
        self.relations = relations
        self.drop_copies = drop_copies
        self.image_shape = image_shape
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Check the rows and count what each class needs, without training anything.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Class of each row.

        Returns
        -------
        Augmenter
            Itself.
        """
        self._count(plain(X), y)
        return self

    def fit_resample(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[Any, Any]:
        """Fit a synthesizer and return the real rows, unchanged and first, and under them the synthetic ones.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            pandas, polars or Arrow table, numpy array or list of rows; or images: an array of three or four axes.
        y : array-like of shape (n_samples,)
            Class of each row, of any type; one column, or one-hot.
        sample_weight : array-like of shape (n_samples,) or None
            How often each row counts, as for `Synthesizer.fit`: in what is learned and in what each class needs. Rows
            of weight 0 are left out.

        Returns
        -------
        X_resampled, y_resampled
            In the containers and with the dtypes of ``X`` and ``y``; a pandas index is numbered afresh.

        Raises
        ------
        DataError
            If classes are missing, continuous or all the same, or ``X`` and ``y`` differ in length.
        OptionError
            If ``sampling_strategy`` cannot be had.
        CapabilityError
            If the family cannot condition and a class has too few rows for a model of its own, or ``X`` holds images
            and the family cannot learn them.
        """
        X, y = plain(X), None if y is None else plain(y)
        X, y, given = weighted(X, y, sample_weight)
        weights = None if given is None else check_weights(given, len(given))
        frame, container, classes, codes, wanted = self._count(X, y, weights)
        drawn = self._source(weights).class_rows(frame, codes, classes, wanted, generator(self.random_state))
        self._note(len(frame), drawn, given, weights)
        self.by_class_ = True
        examples = np.unique(codes, return_index=True)[1]  # a row of each class: its y is the one to repeat
        return extended(X, container, drawn.rows), stack(y, take(y, examples[drawn.codes]))

    def fit_extend(self, X: Any, y: Any, n_rows: int, sample_weight: Any = None) -> tuple[Any, Any]:
        """Fit a synthesizer and add rows like the real ones, whatever their class; ``y`` may be continuous.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or None
            Classes or numbers; None where the rows have no target.
        n_rows : int
            Rows to add, at least 0.
        sample_weight : array-like of shape (n_samples,) or None
            How often each row counts, as for `fit_resample`.

        Returns
        -------
        X_extended, y_extended
            The real rows first, in the containers and with the dtypes of ``X`` and ``y``.

        Raises
        ------
        DataError
            If ``X`` and ``y`` differ in length.
        """
        X, y, given = weighted(plain(X), y, sample_weight)
        weights = None if given is None else check_weights(given, len(given))
        frame, container = self._features(X)
        target = None if y is None else Target(y, frame)
        joined = frame if target is None else target.joined
        if n_rows > 0:
            drawn = self._source(weights).rows(joined, n_rows, generator(self.random_state))
        else:
            drawn = Drawn(joined.iloc[:0], np.zeros(0, dtype=np.int64))
        self._note(len(frame), drawn, given, weights)
        self.by_class_ = False
        features = extended(X, container, drawn.rows[list(frame.columns)])
        return features, None if target is None else target.extended(drawn.rows)

    def compared(self, X: Any, y: Any = None, *, random_state: int = 0) -> ComparedRows:
        """Return the new rows and the real ones to compare them with, as arguments of `gensynth.evaluation.evaluate`.

        ``augmenter.compared(X_resampled, y_resampled).evaluate()`` says whether the new rows are good. Of classes that
        were filled up, real rows are taken in the proportions of the new ones (`compared_rows`).

        Parameters
        ----------
        X, y : table of shape (n_samples_new, n_features), array-like of shape (n_samples_new,) or None
            What the last `fit_resample` or `fit_extend` returned.
        random_state : int, default=0
            Seed of which rows are taken.

        Raises
        ------
        DataError
            ``X`` has another number of rows, or fewer than 20 rows of a side can be compared.
        """
        check_is_fitted(self, "synthetic_mask_")
        X = table_of(X, self.image_shape)[0]
        return rows_of_result(X, y, self.synthetic_mask_, by_class=self.by_class_, random_state=random_state)

    def _source(self, weights: Weights | None) -> Source:
        if not whole(1).allows(self.candidates):
            raise OptionError(f"candidates={self.candidates!r}: expected a whole number >= 1")
        how = (self.drop_copies, weights, self.relations, int(self.candidates))
        return Source(self.model, self.trainer, self.schema, *how)

    def _features(self, X: Any) -> tuple[pd.DataFrame, Container]:
        shape = X.shape if isinstance(X, np.ndarray) and X.ndim == 2 else None
        named = not isinstance(X, pd.DataFrame) or all(isinstance(name, str) for name in X.columns)
        if named and not are_images(X):
            _check_feature_names(self, X, reset=True)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        frame, container = table_of(X, self.image_shape)
        if declared_images(frame, self.schema):
            require(make_recipe(self.model), "images")
        frame = dense(frame)
        for count, what in zip(frame.shape, ("sample", "feature"), strict=True):
            if count == 0:
                raise DataError(f"Found array with 0 {what}(s) (shape={frame.shape}) while a minimum of 1 is required.")
        _check_n_features(self, frame if shape is None else np.empty(shape, dtype=bool), reset=True)
        return frame, container

    def _count(
        self, X: Any, y: Any, weights: Weights | None = None
    ) -> tuple[pd.DataFrame, Container, list[Any], NDArray[np.int64], dict[int, int]]:
        frame, container = self._features(X)
        labels = labels_of(y)
        if len(labels) != len(frame):
            raise DataError(f"X has {len(frame)} rows and y has {len(labels)}; they have to be the same number")
        classes, codes = classes_of(labels)
        counts = dict(zip(classes, np.rint(np.bincount(codes, weights=weights)).astype(int).tolist(), strict=True))
        self.sampling_strategy_ = rows_to_add(self.sampling_strategy, counts, labels.to_numpy())
        positions = {c: k for k, c in enumerate(classes)}
        return frame, container, classes, codes, {positions[c]: n for c, n in self.sampling_strategy_.items()}

    def _note(self, n_real: int, drawn: Drawn, given: NDArray[np.float64] | None, weights: Weights | None) -> None:
        self.sample_weight_ = None
        if given is not None:
            one = 1.0 if weights is not None and weights.dtype.kind == "i" else float(given.mean())
            self.sample_weight_ = np.concatenate([given, np.full(len(drawn.rows), one)])
        self.copies_, self.columns_, self.history_ = drawn.copies, drawn.columns, drawn.history
        self.first_rows_ = drawn.rows.head(N_ROWS)
        self.synthetic_mask_ = np.repeat([False, True], [n_real, len(drawn.rows)])

    def _shown(self) -> Shown | None:
        return shown_augmenter(self)

    def __sklearn_tags__(self) -> SamplingTags:
        return sampling_tags(super().__sklearn_tags__())
