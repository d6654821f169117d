"""Encoded rows in temporary files, memory-mapped block by block during training."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gensynth.batch import Batch
from gensynth.files import errors_name
from gensynth.layout import ImageLayout

BLOCK_ROWS = 4_096
"""Rows that are read at a time."""
BLOCK_BYTES = 2**21
"""Bytes of images that are read at a time, at most: then there are fewer rows."""
WINDOW = 64
"""Number of blocks that are in memory and shuffled together."""
MAX_DRAWN = 200_000
"""Rows that are drawn at once, at most."""
MAX_DRAWN_VALUES = 2**26
"""Values of images that are drawn at once, at most."""


class CachedRows:
    """Encoded rows in temporary files, with the interface of a `Batch` for training.

    Parameters
    ----------
    n_columns, n_numeric : int
        Codes and numbers of a row.
    n_codes : int
        Codes of the column that has most of them.
    block_rows : int
        Rows that are read at a time.
    image : ImageLayout or None
        Images of the rows, whose pixels are kept as bytes, their levels; there are fewer rows in a block then.
    """

    def __init__(
        self,
        n_columns: int,
        n_numeric: int,
        n_codes: int,
        block_rows: int = BLOCK_ROWS,
        image: ImageLayout | None = None,
    ) -> None:
        self.image = image
        self.block_rows, self.max_drawn = block_rows, MAX_DRAWN
        self._types: list[type[np.generic]] = [np.float32, np.int16 if n_codes < 2**15 else np.int32]
        self._widths = [n_numeric, n_columns]
        if image is not None:
            self.block_rows = max(1, min(block_rows, BLOCK_BYTES // image.n_values))
            self.max_drawn = max(1_000, min(MAX_DRAWN, MAX_DRAWN_VALUES // image.n_values))
            self._types.append(np.uint8)
            self._widths.append(image.n_values)
        # without names where the system has such files: a process that is killed leaves nothing behind
        self._files: list[IO[bytes]] = [tempfile.TemporaryFile(prefix="gensynth-rows-") for _ in self._widths]  # noqa: SIM115
        self._n = 0
        self._digest: str | None = None  # of a copy from another process
        self._hashes = [hashlib.sha256() for _ in self._widths]
        self._blocks: OrderedDict[int, tuple[NDArray[np.generic], ...]] = OrderedDict()
        self.device, self._dtype = torch.device("cpu"), torch.float32

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the files."""
        for file in self._files:
            file.close()

    def __getstate__(self) -> dict[str, Any]:
        """Return the state with which another process on this machine can open the same files."""
        files = [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in self._files]
        return {**self.__dict__, "_files": files, "_hashes": [], "_digest": self.digest(), "_blocks": OrderedDict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._files = [Path(name).open("rb") for name in state["_files"]]  # noqa: SIM115

    def append(
        self, numeric: NDArray[np.float64], codes: NDArray[np.int32], pixels: NDArray[np.float32] | None = None
    ) -> None:
        """Add rows: their numbers (m, n_numeric), codes (m, n_columns) and pixels (m, channels, height, width).

        Raises
        ------
        OSError
            The disk is full.
        """
        parts: list[NDArray[Any]] = [numeric, codes]
        if self.image is not None:
            assert pixels is not None
            parts.append(np.floor(pixels * np.float32(self.image.levels)))
        for values, kind, file, digest in zip(parts, self._types, self._files, self._hashes, strict=True):
            data = np.ascontiguousarray(values, dtype=kind).tobytes()
            with errors_name(tempfile.gettempdir()):
                file.write(data)
            digest.update(data)
        self._n += len(codes)

    def finish(self) -> None:
        """Make what was added readable."""
        for file in self._files:
            with errors_name(tempfile.gettempdir()):
                file.flush()

    def __len__(self) -> int:
        return self._n

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> CachedRows:
        """Return itself, with the device and type of future batches set."""
        self.device, self._dtype = torch.device(device), dtype or self._dtype
        return self

    def digest(self) -> str:
        """Return a checksum of all rows."""
        if self._digest is not None:
            return self._digest
        parts = [f"{self._n} {self._widths}", *(one.hexdigest() for one in self._hashes)]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def __getitem__(self, rows: Tensor | slice) -> Batch:
        """Rows by a slice or an index tensor."""
        where = np.arange(self._n)[rows] if isinstance(rows, slice) else rows.cpu().numpy()
        out = [np.empty((len(where), width), kind) for width, kind in zip(self._widths, self._types, strict=True)]
        number = where // self.block_rows
        order = np.argsort(number, kind="stable")
        needed, starts = np.unique(number[order], return_index=True)
        pieces = np.split(order, starts[1:]) if len(order) else []
        for block, at in zip(needed.tolist(), pieces, strict=True):
            for values, part in zip(out, self._block(block), strict=True):
                values[at] = part[where[at] - block * self.block_rows]
        numeric, codes, *levels = (torch.from_numpy(values).to(self.device) for values in out)
        pixels = self._pixels(levels[0]) if levels else None
        return Batch(numeric.to(self._dtype), codes.to(torch.int64), pixels=pixels)

    def _pixels(self, levels: Tensor) -> Tensor:
        """Return levels (n, values) as `gensynth.encoding.image` encodes them, (n, channels, height, width)."""
        assert self.image is not None
        pixels = levels.to(torch.float32).add_(0.5).div_(self.image.levels)
        return pixels.view(-1, *self.image.shape).to(self._dtype)

    def _block(self, number: int) -> tuple[NDArray[np.generic], ...]:
        """Return numbers, codes and pixel levels of a block; recently used blocks stay in memory."""
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        first = number * self.block_rows
        n = min(self.block_rows, self._n - first)
        parts = []
        for file, kind, width in zip(self._files, self._types, self._widths, strict=True):
            offset = first * width * np.dtype(kind).itemsize
            # mapped, copied and unmapped: pages that stay mapped count as memory of the process
            shape = (n, width)
            parts.append(np.array(np.memmap(file, kind, "r", offset, shape)) if width else np.empty(shape, kind))
        self._blocks[number] = tuple(parts)
        if len(self._blocks) > WINDOW + 2:
            self._blocks.popitem(last=False)
        return self._blocks[number]
