"""Images in the page of an evaluation: real and synthetic ones, and each beside its nearest real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.evaluation.measures import comparable_images
from gensynth.evaluation.samples import Samples
from gensynth.metrics.points import nearest, sampled
from gensynth.metrics.vectors import vectors
from gensynth.report.grids import MIN_SIDE, class_grid, data_uri, image_grid
from gensynth.tables.imagewriter import label_column

_MAX_PIXELS = 600_000  # of a grid
_MAX_TILES, _LEAST_TILES = 100, 16
_MAX_CLASSES = 20
_PAIRS = 12  # in a row
_MAX_MEASURED = 500


@dataclass(frozen=True)
class Pictures:
    """Images of an evaluation as data URIs.

    Parameters
    ----------
    real, synthetic : str
        Grids of some of them, by class where there are classes.
    by_class : bool
        Whether they are.
    closest, some : str
        Synthetic images, each above the real image that is nearest to it, with their distance: those of the least
        distances, and some at random.
    n_real, n_synthetic : int
        Images that were compared for these.
    distance : float
        Median of these distances: root mean squared differences of pixels, black being 0 and white 1.
    usual : float
        Median distance of real images to the other real ones, or of held-out ones to the real ones.
    held_out : bool
        Whether it is the latter.
    """

    real: str
    synthetic: str
    by_class: bool
    closest: str
    some: str
    n_real: int
    n_synthetic: int
    distance: float
    usual: float
    held_out: bool


def pictures_of(samples: Samples, target: Any = None) -> Pictures | None:
    """Return the images to show of an evaluation; None if it has none.

    Parameters
    ----------
    samples : Samples
        The compared tables.
    target : column label or None
        What classes are taken from, if it has some.
    """
    if samples.image is None:
        return None
    name, seed = samples.image.name, samples.random_state
    most = float(samples.image.image.levels - 1)
    frames = samples.aligned
    label = _label(frames["real"], name, target)
    known = comparable_images(frames["real"][[name]], seed)[name]
    drawn = sampled(frames["synthetic"][[name]], _MAX_MEASURED, seed)[name]
    held_out = samples.holdout is not None
    others = sampled(frames["holdout" if held_out else "real"][[name]], _MAX_MEASURED, seed)[name]
    to, at = _nearest(known, drawn, most)
    usual = _nearest(known, others, most, 1 if held_out else 2)[0]  # a real image is the nearest to itself
    order = np.argsort(to, kind="stable")
    rest = np.random.default_rng(seed).permutation(order[_PAIRS:])[:_PAIRS]
    return Pictures(
        real=_grid(frames["real"], name, label, most, seed),
        synthetic=_grid(frames["synthetic"], name, label, most, seed),
        by_class=label is not None,
        closest=_pairs(drawn, known, to, at, order[:_PAIRS], most),
        some=_pairs(drawn, known, to, at, rest, most),
        n_real=len(known),
        n_synthetic=len(drawn),
        distance=float(np.median(to)),
        usual=float(np.median(usual)),
        held_out=held_out,
    )


def _nearest(
    known: pd.Series[Any], images: pd.Series[Any], most: float, place: int = 1
) -> tuple[NDArray[np.floating[Any]], NDArray[np.int64]]:
    """Return distances in [0, 1] to the nearest known image, or to the second nearest, and which it is."""
    pixels = vectors(images)
    found, which = nearest(vectors(known), pixels, place)
    return found[:, -1] / (most * pixels.shape[1] ** 0.5), which[:, -1]


def _label(frame: pd.DataFrame, image: Any, target: Any) -> Any:
    """Return the column that images are sorted by; None if there are no classes, or many."""
    label = target if target in frame.columns else label_column(frame, image)
    return label if label is not None and frame[label].nunique() <= _MAX_CLASSES else None


def _grid(frame: pd.DataFrame, image: Any, label: Any, most: float, seed: int) -> str:
    side = max(MIN_SIDE, *frame[image].iloc[0].shape[:2])
    n = min(max(_MAX_PIXELS // side**2, _LEAST_TILES), _MAX_TILES)
    levels = (0.0, most)
    if label is None:
        return data_uri(image_grid(sampled(frame, n, seed)[image].tolist(), value_range=levels))
    shown = frame[frame[label].notna()].sample(frac=1, random_state=seed)
    columns = max(n // max(shown[label].nunique(), 1), 1)
    return data_uri(class_grid(shown[image].tolist(), shown[label].tolist(), columns, value_range=levels))


def _pairs(
    drawn: pd.Series[Any],
    known: pd.Series[Any],
    to: NDArray[np.floating[Any]],
    at: NDArray[np.int64],
    chosen: Sequence[int] | NDArray[np.int64],
    most: float,
) -> str:
    """Return some synthetic images, each above its nearest real one with their distance."""
    upper = [drawn.iloc[i] for i in chosen]
    lower = [known.iloc[at[i]] for i in chosen]
    captions = ["synthetic"] * len(upper) + [f"{to[i]:.3f}" for i in chosen]
    return data_uri(image_grid([*upper, *lower], captions, columns=len(upper), value_range=(0.0, most)))
