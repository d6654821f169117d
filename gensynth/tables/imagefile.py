"""Decoding of image files (PNG, JPEG) to grey values of 8 or 16 bits or to colours, and resizing."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from gensynth.errors import DataError, OptionError, shown

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg")
"""Endings of image files, in lower case."""
Change: TypeAlias = Literal["alpha", "depth", "print"]
Size: TypeAlias = tuple[int, int]

_FORMATS = ("PNG", "JPEG")
BAD_FILE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)
"""Exceptions of `load_image`: damaged, not an image, a decompression bomb, or unreadable."""
_GREY = frozenset({"1", "L", "LA", "La"})
_WHITE = (255, 255, 255, 255)


@dataclass(frozen=True)
class DecodedImage:
    """A decoded image.

    Parameters
    ----------
    pixels : ndarray of uint8 or uint16
        Grey values (h, w), or red, green and blue (h, w, 3), of uint8.
    changes : frozenset of {"alpha", "depth", "print"}
        What was lost: transparency that was laid on white, more than 8 bits a pixel, CMYK.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    changes: frozenset[Change] = frozenset()


def read_image(
    path: str | os.PathLike[str],
    *,
    image_size: int | Sequence[int] | None = None,
    channels: Literal[1, 3] | None = None,
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read a PNG or JPEG file.

    Parameters
    ----------
    path : path-like
        The file.
    image_size : int, (height, width) or None
        Pixels to bring it to: cut to the aspect ratio around its centre, then resized. None: as it is.
    channels : {1, 3} or None
        1: grey values; 3: red, green and blue; None: as the file has it.

    Returns
    -------
    ndarray of uint8, of shape (height, width) or (height, width, 3)
        As it is meant to be seen: turned as its EXIF data say, transparent parts on white, palettes and CMYK as
        colours, colours of 16 bits brought to 8. Values in 0..255. Grey values of 16 bits are uint16, in 0..65535.

    Raises
    ------
    DataError
        There is no such file, or it is damaged or no image.
    """
    path, size = Path(path), size_of(image_size)
    if not path.exists():
        raise DataError(f"there is no file {path}")
    try:
        return load_image(path, size, channels).pixels
    except BAD_FILE as error:
        raise DataError(f"{path} cannot be read: {reason_of(error)}") from error


def load_image(path: Path, size: Size | None, channels: int | None) -> DecodedImage:
    """Return the pixels of a file and the conversions applied; raises `BAD_FILE`."""
    with Image.open(path, formats=_FORMATS) as image:
        if size is not None:  # JPEG decodes at an eighth to a half of its size in a fraction of the time
            image.draft(None, (max(size), max(size)))
        deep = ";16" in str([tile[3] for tile in image.tile])
        turned = ImageOps.exif_transpose(image)
    if turned.mode.startswith("I") and channels != 3:
        values = _sixteen_bits(turned)
        return DecodedImage(values if size is None else resized(values, size))
    plain, changes = _plain(turned)
    changes |= {"depth"} if deep else set()
    if channels is not None:
        plain = plain.convert("L" if channels == 1 else "RGB")
    if size is not None:
        plain = ImageOps.fit(plain, (size[1], size[0]), Image.Resampling.BICUBIC)
    return DecodedImage(np.array(plain, dtype=np.uint8), changes)


def as_array(image: Any) -> NDArray[Any]:
    """Return a Pillow image as an array; palettes, CMYK and transparency become grey values or colours."""
    if not isinstance(image, Image.Image) or image.mode in ("1", "F"):
        return np.asarray(image)
    if image.mode.startswith("I"):
        return _sixteen_bits(image)
    return np.array(_plain(image)[0], dtype=np.uint8)


def reason_of(error: BaseException) -> str:
    """Return a short reason why a file cannot be read."""
    if isinstance(error, UnidentifiedImageError):
        return "no PNG or JPEG image"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def size_of(image_size: int | Sequence[int] | None) -> Size | None:
    """Return height and width; raise `OptionError` if it is neither one whole number of at least 1 nor two."""
    if image_size is None:
        return None
    numbers = list(image_size) if isinstance(image_size, Sequence) else [image_size, image_size]
    if len(numbers) != 2 or not all(isinstance(n, int | np.integer) and n >= 1 for n in numbers):
        raise OptionError(f"image_size must be a whole number of pixels or (height, width), not {shown(image_size)}")
    return int(numbers[0]), int(numbers[1])


def resized(image: NDArray[Any], size: Size) -> NDArray[Any]:
    """Return an image (h, w) or (h, w, c) cropped to an aspect ratio and resized."""
    if image.shape[:2] == size:
        return image
    planes = image.reshape(*image.shape[:2], -1)
    kind = np.uint8 if image.dtype == np.uint8 else np.float32
    parts = [
        ImageOps.fit(Image.fromarray(planes[..., i].astype(kind)), (size[1], size[0]), Image.Resampling.BICUBIC)
        for i in range(planes.shape[-1])
    ]
    out = np.stack([np.asarray(part) for part in parts], axis=-1)
    if kind != np.uint8:  # bicubic interpolation overshoots at edges
        out = out.clip(image.min(), image.max())
        out = np.rint(out) if image.dtype.kind in "iu" else out
    return out.astype(image.dtype).reshape(*size, *image.shape[2:])


def with_channels(image: NDArray[Any], channels: int | None) -> NDArray[Any]:
    """Return an image (h, w) or (h, w, c) with so many channels; grey values are ITU-R 601-2 luma, as in Pillow."""
    if channels == 3 and image.ndim == 2:
        return np.repeat(image[..., None], 3, axis=-1)
    if channels == 3 and image.shape[-1] == 4:
        return image[..., :3]
    if channels == 1 and image.ndim == 3:
        luma = image[..., :3] @ np.array([0.299, 0.587, 0.114]) if image.shape[-1] >= 3 else image[..., 0]
        return (luma.round() if image.dtype.kind in "iu" else luma).astype(image.dtype)
    return image


def eight_bits(values: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return 16-bit values as 8-bit values: 65,535 becomes 255."""
    return ((values.astype(np.int64) * 255 + 32767) // 65535).astype(np.uint8)


def _sixteen_bits(image: Image.Image) -> NDArray[np.uint16]:
    return np.asarray(image).astype(np.int64).clip(0, 65535).astype(np.uint16)


def _plain(image: Image.Image) -> tuple[Image.Image, frozenset[Change]]:
    """Return the image as grey values ("L") or colours ("RGB"), and what was lost."""
    if image.mode.startswith("I"):
        return Image.fromarray(eight_bits(_sixteen_bits(image))), frozenset({"depth"})
    grey, palette = image.mode in _GREY, image.mode.startswith("P")
    changes: frozenset[Change] = frozenset({"print"} if image.mode == "CMYK" else ())
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        if (np.asarray(layer.getchannel("A")) < 255).any():
            changes = frozenset({"alpha"})
        image = Image.alpha_composite(Image.new("RGBA", layer.size, _WHITE), layer)
        grey = grey or (palette and _is_grey(image))
    elif palette:
        image = image.convert("RGB")
        grey = _is_grey(image)
    return image.convert("L" if grey else "RGB"), changes


def _is_grey(image: Image.Image) -> bool:
    """Return whether all colours of an image are shades of grey."""
    colours = np.asarray(image)
    return bool((colours[..., 0] == colours[..., 1]).all() and (colours[..., 0] == colours[..., 2]).all())
