"""Image grids: many small images in one picture, by class with labels, or beside anomaly maps."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from gensynth.errors import DataError, OptionError
from gensynth.tables.imagearrays import image_list
from gensynth.tables.imagewriter import Range, to_picture, value_range_of

MAX_TILES = 1_000
"""Images that a grid shows, at most."""
MIN_SIDE = 56
"""Minimal length in pixels of the longer side, reached by integer factors, so that single pixels are visible."""
_GAP, _MARGIN = 4, 8
_FONT_SIZE = 13
_GROUND, _INK = (255, 255, 255), (40, 40, 40)
_HOT = (214, 39, 40)
_MAX_LETTERS = 24


def image_grid(
    images: Any,
    labels: Iterable[object] | None = None,
    columns: int | None = None,
    *,
    value_range: Range | None = None,
    side: int = MIN_SIDE,
) -> Image.Image:
    """Return a grid of images, row by row in the given order.

    Parameters
    ----------
    images : n arrays of shape (h, w), (h, w, c) or (c, h, w), or a DataFrame with a column of them
        Of uint8 or floats; at most 1,000.
    labels : n objects or None
        What is written below each.
    columns : int or None
        Images in a row; None: about as many as rows.
    value_range : (low, high) or None
        Values that are black and white; None: `value_range_of` the images.
    side : int
        Pixels that the longer side of each is brought to at least.

    Returns
    -------
    PIL.Image.Image
        Each image enlarged by a whole factor without smoothing, so that a pixel stays a square; ``png_bytes`` makes
        a file of it.

    Raises
    ------
    DataError
        There are no images, more than a grid shows, or not as many labels.
    OptionError
        ``columns`` is below 1.
    """
    tiles = _tiles(image_list(images), value_range, side)
    columns = _checked(columns) or math.ceil(math.sqrt(len(tiles)))
    captions = None if labels is None else [str(label) for label in _as_many(labels, "labels", len(tiles))]
    rows = [tiles[i : i + columns] for i in range(0, len(tiles), columns)]
    below = None if captions is None else [captions[i : i + columns] for i in range(0, len(tiles), columns)]
    return _paint(rows, below=below)


def class_grid(
    images: Any,
    classes: Iterable[object],
    columns: int | None = None,
    *,
    value_range: Range | None = None,
) -> Image.Image:
    """Return images in a row for each class, with its name at the left; classes in their order, at most 1,000 images.

    Parameters
    ----------
    images : n arrays of shape (h, w), (h, w, c) or (c, h, w), or a DataFrame with a column of them
        Of uint8 or floats.
    classes : n objects
        The class of each.
    columns : int or None
        Images of a class that are shown, at most; None: as many as fit 1,000 images.
    value_range : (low, high) or None
        As for `image_grid`.

    Raises
    ------
    DataError
        There are no images, more classes than a grid shows images, or not as many classes as images.
    OptionError
        ``columns`` is below 1.
    """
    images = image_list(images)
    classes = _as_many(classes, "classes", len(images))
    names = _in_order(classes)
    if len(names) > MAX_TILES:
        raise DataError(f"{len(names):,} classes came; a grid shows {MAX_TILES:,} images at most")
    most = min(_checked(columns) or MAX_TILES, MAX_TILES // max(len(names), 1))
    chosen: list[list[int]] = [[] for _ in names]
    place = {name: i for i, name in enumerate(names)}
    for i, name in enumerate(map(str, classes)):
        row = chosen[place[name]]
        if len(row) < most:
            row.append(i)
    low_high = value_range_of(images) if value_range is None else value_range
    rows = [_tiles([images[i] for i in row], low_high) for row in chosen]
    return _paint(rows, left=names)


def map_pair(
    image: NDArray[Any], unusual: NDArray[np.float64], most: float, value_range: Range, side: int = MIN_SIDE
) -> Image.Image:
    """Return an image and, beside it, the image in grey with its anomaly map as a red overlay.

    Parameters
    ----------
    image : ndarray of shape (h, w) or (h, w, c)
        The image.
    unusual : ndarray of shape (h, w)
        What each place adds to how anomalous the image is; what lies below 0 is not shown.
    most : float
        Value of the strongest red, the same for maps that are to be compared.
    value_range : (low, high)
        Values that are black and white.
    side : int
        Pixels that the longer side of each is brought to at least.
    """
    (tile,) = _tiles([image], value_range, side)
    strength = (np.clip(unusual, 0.0, None) / most if most > 0 else np.zeros_like(unusual)).clip(0.0, 1.0)
    alpha = Image.fromarray((255 * strength).astype(np.uint8)).resize(tile.size, Image.Resampling.NEAREST)
    faint = Image.blend(tile.convert("L").convert("RGB"), Image.new("RGB", tile.size, _GROUND), 0.35)
    return _paint([[tile, Image.composite(Image.new("RGB", tile.size, _HOT), faint, alpha)]], margin=0)


def png_bytes(image: Image.Image) -> bytes:
    """Return a picture as a PNG file."""
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True)
    return out.getvalue()


def data_uri(image: Image.Image) -> str:
    """Return a picture as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(png_bytes(image)).decode('ascii')}"


def _tiles(
    images: Sequence[NDArray[Any]] | NDArray[Any], value_range: Range | None, side: int = MIN_SIDE
) -> list[Image.Image]:
    """Return pictures of images, enlarged so that single pixels are seen."""
    if not len(images):
        raise DataError("there are no images to show")
    if len(images) > MAX_TILES:
        raise DataError(f"{len(images):,} images came; a grid shows {MAX_TILES:,} at most")
    low_high = value_range_of(images) if value_range is None else value_range
    pictures = [to_picture(image, low_high).convert("RGB") for image in images]
    factor = max(1, math.ceil(side / max(pictures[0].size)))
    size = (pictures[0].width * factor, pictures[0].height * factor)
    return [picture.resize(size, Image.Resampling.NEAREST) for picture in pictures]


def _checked(columns: int | None) -> int | None:
    if columns is not None and columns < 1:
        raise OptionError(f"columns must be at least 1, got {columns}")
    return columns


def _as_many(texts: Iterable[object], what: str, n: int) -> list[object]:
    """Return as many labels as there are images, in their order."""
    out = list(texts)
    if len(out) != n:
        raise DataError(f"there are {n:,} images and {len(out):,} {what}; expected one for each")
    return out


def _paint(
    rows: Sequence[Sequence[Image.Image]],
    *,
    below: Sequence[Sequence[str]] | None = None,
    left: Sequence[str] | None = None,
    margin: int = _MARGIN,
) -> Image.Image:
    """Return rows of pictures of one size, with texts below each, or at the left of each row."""
    font = ImageFont.load_default(_FONT_SIZE)
    width, height = next(row[0].size for row in rows if row)
    texts = [_cut(text) for text in left or ()]
    indent = max((math.ceil(font.getlength(text)) for text in texts), default=-_GAP) + _GAP
    line = 0 if below is None else _FONT_SIZE + 5
    n_columns = max(map(len, rows))
    sheet = Image.new(
        "RGB",
        (
            2 * margin + indent + n_columns * (width + _GAP) - _GAP,
            2 * margin + len(rows) * (height + line + _GAP) - _GAP,
        ),
        _GROUND,
    )
    draw = ImageDraw.Draw(sheet)
    for i, row in enumerate(rows):
        y = margin + i * (height + line + _GAP)
        if texts:
            draw.text((margin, y + height / 2), texts[i], fill=_INK, font=font, anchor="lm")
        for j, picture in enumerate(row):
            x = margin + indent + j * (width + _GAP)
            sheet.paste(picture, (x, y))
            if below is not None:
                text = _fitting(below[i][j], font, width)
                draw.text((x + width / 2, y + height + line / 2), text, fill=_INK, font=font, anchor="mm")
    return sheet


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_LETTERS else text[: _MAX_LETTERS - 1] + "…"


def _fitting(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """Return a text, cut to the available width."""
    while len(text) > 1 and font.getlength(text) > width + _GAP:
        text = text[:-2] + "…"
    return text


def _in_order(classes: Sequence[object]) -> list[str]:
    """Return the names of classes: numbers by size, other things by their text."""
    different = set(classes)
    if all(isinstance(one, int | float | np.number) for one in different):
        return list(dict.fromkeys(map(str, sorted(different, key=lambda one: float(str(one))))))
    return sorted(set(map(str, different)))
