"""Image files as arrays."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gensynth.errors import DataError


def read_image(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Return the pixels of an image file: (height, width) of a grey one, (height, width, channels) of others, uint8.

    Raises
    ------
    DataError
        The file cannot be read as an image, or Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError("reading image files needs Pillow: pip install pillow") from error
    try:
        with Image.open(path) as image:
            plain = image if image.mode in ("L", "LA", "RGB", "RGBA") else image.convert("RGB")
            return np.array(plain)
    except OSError as error:
        raise DataError(f"{os.fspath(path)!r} cannot be read as an image: {error}") from error
