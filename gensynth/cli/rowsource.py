"""Sources of output rows: any range of rows can be generated independently, here or on a cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from gensynth.tables import Table


class RowSource(ABC):
    """Makes the rows that a command writes; pickled for workers, who each have a copy.

    Attributes
    ----------
    n_rows : int
        Of the whole table.
    block_rows : int
        How many of them are best made together.
    tells_of_all : bool
        Whether what is told of rows is wanted of those too that are written already.
    """

    tells_of_all: ClassVar[bool] = False
    n_rows: int
    block_rows: int

    @abstractmethod
    def make(self, start: int, stop: int) -> Iterator[tuple[Table, Any]]:
        """Give the rows from ``start`` to ``stop``, as they are to be written, and what is told of them."""

    @abstractmethod
    def to_gpu(self) -> None:
        """Move what computes them to the GPU, as far as it can be."""


@dataclass(frozen=True)
class Written:
    """How many rows were written, and what was told of them, part by part in any order."""

    n_rows: int
    told: list[Any]
