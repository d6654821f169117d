"""Image grids of latents: interpolations, traversals, and nearest training images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from gensynth.errors import CapabilityError, OptionError
from gensynth.report.grids import image_grid
from gensynth.synthesizer import Synthesizer
from gensynth.tables.imagearrays import image_list
from gensynth.tables.imagestream import ImageStream

MAX_LATENTS = 16
"""Latents that a traversal shows, at most."""

Images = NDArray[Any]


def interpolation_grid(synthesizer: Synthesizer, first: Any, last: Any, *, steps: int = 9) -> Image.Image:
    """Return interpolations between pairs of images, linear in their latents; a row for each pair.

    Parameters
    ----------
    synthesizer : Synthesizer
        Fitted to images, of a family with latents.
    first, last : n rows each, as `Synthesizer.transform` takes them
        Where the ways begin and end.
    steps : int
        Images of a row, both ends included, >= 2.

    Raises
    ------
    OptionError
        ``steps`` is below 2, or there are not as many last rows as first ones.
    CapabilityError
        The rows have no images.
    """
    if steps < 2:
        raise OptionError(f"steps must be at least 2, got {steps}")
    a, b = (np.asarray(synthesizer.transform(rows), dtype=float) for rows in (first, last))
    if len(a) != len(b):
        raise OptionError(f"there are {len(a)} first rows and {len(b)} last ones; ways need as many of both")
    way = np.linspace(0.0, 1.0, steps).reshape(1, -1, 1)
    latents = a[:, None] + (b - a)[:, None] * way  # (n, steps, latent_dim)
    return image_grid(_decoded(synthesizer, latents.reshape(-1, a.shape[1])), columns=steps)


def traversal_grid(
    synthesizer: Synthesizer, X: Any, *, latents: Sequence[int] | None = None, reach: float = 2.0, steps: int = 9
) -> Image.Image:
    """Return traversals of single latents of the first row: a row of images for each latent.

    Higgins et al. 2017, "beta-VAE", figures 1 and 2.

    Parameters
    ----------
    synthesizer : Synthesizer
        Fitted to images, of a family with latents.
    X : n >= 2 rows, as `Synthesizer.transform` takes them
        The first is shown; the spread of the others' latents is the unit.
    latents : sequence of int or None
        Which; None: those that vary most over the rows, 16 at most.
    reach : float
        Standard deviations to each side.
    steps : int
        Images of a row, >= 2.

    Raises
    ------
    OptionError
        ``steps`` is below 2, there is one row only, or no such latent.
    CapabilityError
        The rows have no images.
    """
    if steps < 2:
        raise OptionError(f"steps must be at least 2, got {steps}")
    encoded = np.asarray(synthesizer.transform(X), dtype=float)
    if len(encoded) < 2:
        raise OptionError("a traversal needs at least 2 rows: the spread of their latents is its unit")
    spread, width = encoded.std(0), encoded.shape[1]
    chosen = list(latents) if latents is not None else np.argsort(-spread, kind="stable")[:MAX_LATENTS].tolist()
    wrong = [i for i in chosen if not 0 <= i < width]
    if wrong or not chosen:
        raise OptionError(f"latents={latents!r}: there are latents 0 to {width - 1}")
    moved = np.repeat(encoded[:1], len(chosen) * steps, 0).reshape(len(chosen), steps, width)
    for row, i in zip(moved, chosen, strict=True):
        row[:, i] += np.linspace(-reach, reach, steps) * spread[i]
    return image_grid(_decoded(synthesizer, moved.reshape(-1, width)), columns=steps)


def nearest_images(drawn: Any, real: Any) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the nearest real image of each synthetic one, and the root mean squared difference of their pixels.

    A look at whether images were learned by heart: drawn images that are much nearer to a training image than real
    held-out ones are (call this with those too) repeat it.

    Parameters
    ----------
    drawn : array (n, ...), column of arrays, or DataFrame with one
        Images of one shape.
    real : array (m, ...), column of arrays, DataFrame with one, or ImageStream
        Images of this shape, their pixels in the same unit. A stream (`gensynth.tables.images.open_images`) need not
        fit the memory.

    Returns
    -------
    ndarray of shape (n,), int64, and ndarray of shape (n,), float64
        Positions in ``real``, and distances.

    Raises
    ------
    OptionError
        The images are of several shapes.
    DataError
        A table has no column of images, or two.
    """
    flat = _stacked(drawn).astype(float)
    a = flat.reshape(len(flat), -1)
    nearest, least, at = np.zeros(len(a), dtype=np.int64), np.full(len(a), np.inf), 0
    for block in real.blocks() if isinstance(real, ImageStream) else [_stacked(real)]:
        if block.shape[1:] != flat.shape[1:]:
            raise OptionError(f"images of shape {flat.shape[1:]} and {block.shape[1:]} cannot be compared")
        b = block.reshape(len(block), -1).astype(float)
        squared = (b**2).sum(1)
        for start in range(0, len(a), 256):
            some = slice(start, start + 256)
            own = (squared - 2.0 * a[some] @ b.T).argmin(1)
            distance = ((a[some] - b[own]) ** 2).mean(1)
            nearer = distance < least[some]
            nearest[some], least[some] = np.where(nearer, own + at, nearest[some]), np.minimum(distance, least[some])
        at += len(block)
    return nearest, np.sqrt(least)


def nearest_grid(drawn: Any, real: Any) -> Image.Image:
    """Return each synthetic image above its nearest real one, with their distance (`nearest_images`)."""
    nearest, distance = nearest_images(drawn, real)
    old = real.take(nearest) if isinstance(real, ImageStream) else _stacked(real)[nearest]
    new = _stacked(drawn)
    captions = ["drawn"] * len(new) + [f"{value:.3g}" for value in distance]
    return image_grid(np.concatenate([new, old]), captions, columns=len(new))


def _decoded(synthesizer: Synthesizer, latents: NDArray[np.float64]) -> Images:
    """Return the images (n, ...) of latents, all drawn from one seed."""
    rows = synthesizer.inverse_transform(latents, random_state=0)
    held = synthesizer.fitted_.container.images
    if held is not None:
        return np.asarray(rows).reshape(len(rows), *held.shape)  # flat ones too
    names = [c.name for c in synthesizer.schema_.columns if c.kind == "image"]
    if not names or not isinstance(rows, pd.DataFrame):
        raise CapabilityError("the rows have no images that could be shown")
    return _stacked(rows[names[0]])


def _stacked(images: Any) -> Images:
    """Return images as an array (n, ...), of a table those of its column of them; flat ones stay so."""
    if isinstance(images, np.ndarray) and images.dtype != object:
        return images
    if isinstance(images, pd.DataFrame):
        return np.stack(image_list(images))
    arrays = [np.asarray(image) for image in images]
    shapes = dict.fromkeys(array.shape for array in arrays)
    if len(shapes) > 1:
        raise OptionError(f"images of shape {' and '.join(map(str, shapes))} cannot be compared")
    return np.stack(arrays)
