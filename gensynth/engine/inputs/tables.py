"""Tables as estimator inputs: arrays as in scikit-learn, and DataFrames with columns of any type."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _check_feature_names, _check_n_features, validate_data

from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.engine.inputs.images import check_image_shape, image_table, named_as, no_images, under_fitted_name
from gensynth.engine.inputs.streams import as_stream
from gensynth.errors import DataError, UnseenValuesWarning
from gensynth.layout import UNKNOWN
from gensynth.schema import TableSchema
from gensynth.schema.values import is_missing
from gensynth.tables import Container, Table, to_frame
from gensynth.tables.cellarrays import plain_array, refuse_mask
from gensynth.tables.imagearrays import are_images, holds_images
from gensynth.training.weights import Weights, check_weights

MIN_UNSEEN = 5
"""Minimal number of values in a column, all unseen in training, for a warning."""


def fit_input(
    estimator: BaseEstimator, X: Any, y: Any = None, image_shape: Any = None
) -> tuple[pd.DataFrame, Container]:
    """Return the training table and its container; set ``n_features_in_`` and ``feature_names_in_``.

    Parameters
    ----------
    estimator : BaseEstimator
        Whose attributes are set.
    X : table or array of images
        Any kind that `gensynth.tables.to_frame` takes.
    y : array-like of shape (n,) or None
        Labels of images, which become a column; of other tables it is not looked at.
    image_shape : sequence of int or None
        Shape of the images of an array (n, pixels).

    Raises
    ------
    DataError
        Fewer than 2 rows, or not a table.
    ValueError, TypeError
        scikit-learn's own, for arrays: sparse, complex, not two-dimensional, infinite.
    """
    shape = check_image_shape(image_shape)
    if shape is not None and not are_images(X):
        if not _is_array(X):
            raise DataError(
                f"image_shape={shape} is for an array (n, pixels), and a {type(X).__name__} came: give its values, as "
                "in X.to_numpy()"
            )
        refuse_mask(X, "pixels")
        return image_table(_validate_array(estimator, X, reset=True, least=2), y, shape)
    if not are_images(X) and _is_array(X):
        X = _validate_array(estimator, X, reset=True, least=2)
        return to_frame(X)
    frame, container = image_table(X, y) if are_images(X) else to_frame(X)
    if len(frame) < 2 and any(holds_images(frame.iloc[:, i]) for i in range(frame.shape[1])):
        raise DataError("X is a single image; there is nothing to learn: give several different ones")
    if len(frame) < 2:
        raise DataError(f"the table has {len(frame)} sample(s) (rows); fitting needs at least 2")
    if all(isinstance(name, str) for name in frame.columns) and container.images is None:
        _check_feature_names(estimator, frame, reset=True)
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_
    _check_n_features(estimator, frame, reset=True)
    return frame, container


def weighted_rows(frame: pd.DataFrame, sample_weight: Any) -> tuple[pd.DataFrame, Weights | None]:
    """Return the rows of positive weight, and their weights (None: all 1).

    Raises
    ------
    DataError
        As `gensynth.training.weights.check_weights`.
    """
    weights = check_weights(sample_weight, len(frame))
    if weights is None or (weights > 0).all():
        return frame, weights
    kept = np.flatnonzero(weights)
    weights = weights[kept]
    return frame.iloc[kept], None if (weights == 1).all() else weights


def new_input(estimator: BaseEstimator, X: Any, schema: TableSchema, container: Container) -> pd.DataFrame:
    """Return a table for a fitted estimator; unnamed columns are in the fitted order.

    Parameters
    ----------
    estimator : BaseEstimator
        Fitted by `fit_input`.
    X : table
        Any kind that `gensynth.tables.to_frame` takes; one that is read in batches is read as a whole.
    schema : TableSchema
        Of the fitted columns.
    container : Container
        What was fitted.

    Raises
    ------
    DataError
        No rows, or not a table.
    ValueError, TypeError
        As for `fit_input`.
    """
    stream = as_stream(X)
    X = X if stream is None else stream.whole()
    names, flat = schema.names, container.images is not None and container.images.flat
    named_fit = container.family not in ("numpy", "series", "images")
    if are_images(X):
        return named_as(_some(image_table(X)[0]), schema)
    if flat and container.images is not None and _is_array(X):
        refuse_mask(X, "pixels")
        return image_table(_validate_array(estimator, X, reset=False, least=1), image_shape=container.images.shape)[0]
    if schema.image is not None and _is_array(X):
        shape = check_image_shape(getattr(estimator, "image_shape", None))
        if shape is not None and np.shape(X)[1:] == (math.prod(shape),):  # the labels are what is missing
            return named_as(_some(image_table(np.asarray(X), None, shape)[0]), schema)
        raise no_images(schema, np.shape(X))
    if _is_array(X):
        X = _validate_array(estimator, X, reset=False, least=1)
        frame, _ = to_frame(X)
        if named_fit:
            warnings.warn(
                f"X does not have valid feature names, but {type(estimator).__name__} was fitted with feature names; "
                "its columns are taken in the fitted order",
                UserWarning,
                stacklevel=3,
            )
        return frame.set_axis(pd.Index(list(names), dtype=object), axis=1)
    frame = under_fitted_name(_some(to_frame(X)[0]), schema)
    if not named_fit and len(frame.columns) == len(names):
        return frame.set_axis(pd.Index(list(names), dtype=object), axis=1)
    return frame


def warn_of_unseen(frame: pd.DataFrame, rows: Rows, encoder: TableEncoder) -> None:
    """Warn of columns with unseen values only: probably in another format, not all anomalous.

    Parameters
    ----------
    frame : DataFrame of shape (n, n_features)
        Aligned rows.
    rows : Rows
        The same, encoded.
    encoder : TableEncoder
        What encoded them.

    Warns
    -----
    UnseenValuesWarning
        Once a column.
    """
    for name, position in encoder.position.items():
        unknown = rows.codes[:, position] == UNKNOWN
        if np.count_nonzero(unknown) < MIN_UNSEEN:
            continue
        there = ~is_missing(frame[name])
        if np.count_nonzero(there) >= MIN_UNSEEN and unknown[there].all():
            new = ", ".join(repr(value) for value in frame[name][there].unique()[:3].tolist())
            text = (
                f"column {name!r}: none of its values was there in the fit, such as {new}; "
                f"{encoder.columns[name].known()}. If they mean the same, write them the same"
            )
            warnings.warn(UnseenValuesWarning(text, name), stacklevel=6)  # of the estimator's method


def _some(frame: pd.DataFrame) -> pd.DataFrame:
    if not len(frame):
        raise DataError("the table has 0 samples (rows); at least one is needed")
    return frame


def _is_array(X: Any) -> bool:
    if isinstance(X, Table | pd.DataFrame | pd.Series) or (isinstance(X, np.ndarray) and X.dtype.names):
        return False
    if X is None or isinstance(X, str | bytes | os.PathLike | Mapping):  # `to_frame` says what to do
        return False
    return scipy.sparse.issparse(X) or not (hasattr(X, "columns") or hasattr(X, "column_names"))


def _validate_array(estimator: BaseEstimator, X: Any, *, reset: bool, least: int) -> NDArray[Any]:
    array = validate_data(
        estimator,
        plain_array(X) if isinstance(X, list | tuple | np.ma.MaskedArray) else X,
        reset=reset,
        dtype=None,
        ensure_all_finite="allow-nan",
        ensure_min_samples=least,
        skip_check_array=False,
    )
    return np.asarray(array)
