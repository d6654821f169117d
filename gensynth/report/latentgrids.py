"""Grids of what latents mean: from one image to another, along single latents; and what drawn images are nearest to."""

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

MAX_LATENTS = 16
"""Latents that a traversal shows, at most."""

Images = NDArray[Any]


def interpolation_grid(synthesizer: Synthesizer, first: Any, last: Any, *, steps: int = 9) -> Image.Image:
    """Return images on the way from one to another, by straight lines between their latents; a row for each pair.

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
    """Return what single latents change: those of the first row, one of them moved, a row of images for each.

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
    """Return which real image is nearest to each drawn one, and the root mean squared difference of their pixels.

    A look at whether images were learned by heart: drawn images that are much nearer to a training image than real
    held-out ones are (call this with those too) repeat it.

    Parameters
    ----------
    drawn, real : arrays (n, ...) and (m, ...), or columns of arrays, of one shape of images
        Pixels in the same units.

    Returns
    -------
    ndarray of shape (n,), int64, and ndarray of shape (n,), float64
        Positions in ``real``, and distances.
    """
    flat_drawn, flat_real = (_stacked(images).astype(float) for images in (drawn, real))
    if flat_drawn.shape[1:] != flat_real.shape[1:]:
        raise OptionError(f"images of shape {flat_drawn.shape[1:]} and {flat_real.shape[1:]} cannot be compared")
    a, b = (images.reshape(len(images), -1) for images in (flat_drawn, flat_real))
    squared = (b**2).sum(1)
    nearest = np.empty(len(a), dtype=np.int64)
    for start in range(0, len(a), 256):
        nearest[start : start + 256] = (squared - 2.0 * a[start : start + 256] @ b.T).argmin(1)
    return nearest, np.sqrt(((a - b[nearest]) ** 2).mean(1))


def nearest_grid(drawn: Any, real: Any) -> Image.Image:
    """Return each drawn image above the real one that is nearest to it, with their distance (`nearest_images`)."""
    nearest, distance = nearest_images(drawn, real)
    new, old = _stacked(drawn), _stacked(real)[nearest]
    captions = ["drawn"] * len(new) + [f"{value:.3g}" for value in distance]
    return image_grid(np.concatenate([new, old]), captions, columns=len(new))


def _decoded(synthesizer: Synthesizer, latents: NDArray[np.float64]) -> Images:
    """Return the images (n, ...) of latents, all drawn from one seed."""
    rows = synthesizer.inverse_transform(latents, random_state=0)
    if isinstance(rows, np.ndarray) and rows.ndim > 2:
        return rows
    names = [c.name for c in synthesizer.schema_.columns if c.kind == "image"]
    if not names or not isinstance(rows, pd.DataFrame):
        raise CapabilityError("the rows have no images that could be shown")
    return _stacked(rows[names[0]])


def _stacked(images: Any) -> Images:
    return np.stack(list(images))
