"""Small image files for tests: folders of squares in two classes, and files with something wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def squares(n: int, size: int = 8, seed: int = 0) -> NDArray[np.uint8]:
    """Return grey images (n, size, size): a bright square on a dark noisy ground."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 40, (n, size, size), dtype=np.uint8)
    for image in images:
        top, left = rng.integers(0, size // 2, 2)
        image[top : top + size // 2, left : left + size // 2] = 220
    return images


def write_png(path: Path, image: NDArray[np.uint8]) -> Path:
    """Write an image, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def write_classes(folder: Path, n: int = 6, size: int = 8) -> Path:
    """Write n images of each of two classes, "bright" and "dark", as folders in a folder."""
    for i, image in enumerate(squares(n, size)):
        write_png(folder / "bright" / f"{i}.png", image)
        write_png(folder / "dark" / f"{i}.png", image // 2)
    return folder
