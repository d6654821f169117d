"""`Augmenter`: an over-sampler with imbalanced-learn's interface, based on a generative model."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils.validation import _check_feature_names, _check_n_features, check_is_fitted

from gensynth.augmentation.compared import ComparedRows, rows_of_result
from gensynth.augmentation.containers import dense, extended, plain, stack, table_of, take, weighted
from gensynth.augmentation.drawn import SyntheticRows
from gensynth.augmentation.notebook import shown_augmenter
from gensynth.augmentation.oversampling import Source, generator
from gensynth.augmentation.strategy import classes_of, rows_to_add
from gensynth.augmentation.tags import SamplingTags, sampling_tags
from gensynth.augmentation.target import Target, labels_of
from gensynth.constraints import whole
from gensynth.defaults import SAMPLING_MODEL
from gensynth.engine.capabilities import require
from gensynth.engine.notebook import N_ROWS, NotebookContent, NotebookView
from gensynth.engine.parameters import NestedParameters, make_recipe
from gensynth.errors import DataError, OptionError
from gensynth.tables import Container
from gensynth.tables.imagearrays import are_images, declared_images
from gensynth.training.weights import Weights, check_weights


class Augmenter(NotebookView, OneToOneFeatureMixin, NestedParameters):
    """Add synthetic rows to rare classes.

    A synthesizer is fitted to features and class together, and samples rows of the rare classes. Works in
    `imblearn.pipeline.Pipeline` and alone; accepts tables of mixed types with missing values, and images
    (docs/images.md).

    Parameters
    ----------
    model : str or Recipe
        Model family, as in `Synthesizer`. One that cannot condition is fitted to each class alone.
    sampling_strategy : float, str, dict or callable, default="auto"
        As in imbalanced-learn's over-samplers. float in (0, 1]: rows of the minority over rows of the majority
        afterwards (binary targets only). "minority": add to the smallest class only; "not minority"; "not majority",
        the same as "auto"; "all". dict: class to its number of rows afterwards. callable: from ``y`` to such a dict. In
        addition, "partial": every class but the largest gets at most four new rows for each real one.
    candidates : int, default=1
        Candidate rows that `fit_resample` samples for each new one. Trees trained on the real rows (for images a linear
        model) select those with the highest probability of their class. With more than 1, new rows are typical of their
        class, but do not follow its distribution.
    trainer : Trainer, optional
        Training options; the defaults otherwise.
    schema : TableSchema or dict, optional
        Declared kinds of feature columns, as in `Synthesizer`.
    relations : "auto", False, or sequence of str or Relation, default="auto"
        Relations between columns that new rows keep, as in `Synthesizer`.
    drop_copies : bool, default=False
        Replace rows that equal a real row of the class (identifiers left out) by others. The result no longer follows
        the model's distribution: common combinations of the real rows become rare, which can reverse associations
        between columns of few values.
    image_shape : sequence of int or None, default=None
        Shape of the images of an array (n, pixels): (height, width) or (height, width, channels).
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Seed of training and sampling.

    Attributes
    ----------
    sampling_strategy_ : dict
        Rows added to each targeted class.
    copies_ : Copies
        Number of synthetic rows that equal a real row of their class, number of replaced ones, and fraction of real
        rows that equal another one.
    synthetic_mask_ : ndarray of shape (n_samples_new,), bool
        True for the rows of the last `fit_resample` that are synthetic.
    by_class_ : bool
        Whether these rows were added to classes, and not to the whole table.
    sample_weight_ : ndarray of shape (n_samples_new,), float64, or None
        Weights of these rows if ``sample_weight`` was given: those of the real rows, and for synthetic rows 1 if
        weights are whole, otherwise the mean weight.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if they have any.
    columns_ : tuple of Column
        Schemas of the columns in the last `fit_resample` or `fit_extend`; empty if nothing was sampled.
    history_ : DataFrame
        One row per evaluation of the training; class after class for a family that cannot condition.
    first_rows_ : DataFrame
        The first five synthetic rows, for the notebook display.

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
            Row weights, as for `Synthesizer.fit`, for training and for the sizes of the classes. Rows of weight 0 are
            left out.

        Returns
        -------
        X_resampled, y_resampled
            In the containers and with the dtypes of ``X`` and ``y``; a pandas index is renumbered.

        Raises
        ------
        DataError
            If classes are missing, continuous or all the same, or ``X`` and ``y`` differ in length.
        OptionError
            If ``sampling_strategy`` is invalid.
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
            Row weights, as for `fit_resample`.

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
            drawn = SyntheticRows(joined.iloc[:0], np.zeros(0, dtype=np.int64))
        self._note(len(frame), drawn, given, weights)
        self.by_class_ = False
        features = extended(X, container, drawn.rows[list(frame.columns)])
        return features, None if target is None else target.extended(drawn.rows)

    def compared(self, X: Any, y: Any = None, *, random_state: int = 0) -> ComparedRows:
        """Return the new rows and the real ones to compare them with, as arguments of `gensynth.evaluation.evaluate`.

        ``augmenter.compared(X_resampled, y_resampled).evaluate()`` evaluates the new rows. If rows were added to
        classes, the real rows have the class proportions of the new ones (`compared_rows`).

        Parameters
        ----------
        X, y : table of shape (n_samples_new, n_features), array-like of shape (n_samples_new,) or None
            Output of the last `fit_resample` or `fit_extend`.
        random_state : int, default=0
            Seed of the selection of rows.

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

    def _note(
        self, n_real: int, drawn: SyntheticRows, given: NDArray[np.float64] | None, weights: Weights | None
    ) -> None:
        self.sample_weight_ = None
        if given is not None:
            one = 1.0 if weights is not None and weights.dtype.kind == "i" else float(given.mean())
            self.sample_weight_ = np.concatenate([given, np.full(len(drawn.rows), one)])
        self.copies_, self.columns_, self.history_ = drawn.copies, drawn.columns, drawn.history
        self.first_rows_ = drawn.rows.head(N_ROWS)
        self.synthetic_mask_ = np.repeat([False, True], [n_real, len(drawn.rows)])

    def _shown(self) -> NotebookContent | None:
        return shown_augmenter(self)

    def __sklearn_tags__(self) -> SamplingTags:
        return sampling_tags(super().__sklearn_tags__())
