"""Interface of row sources: any range of rows can be generated independently, here or on a cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from gensynth.tables import Table


class RowSource(ABC):
    """Generator of the rows that a command writes; workers get a pickled copy.

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
        """Yield the rows from ``start`` to ``stop`` as they are written, with facts about them."""

    @abstractmethod
    def to_gpu(self) -> None:
        """Move the models to the GPU, if possible."""


@dataclass(frozen=True)
class WrittenRows:
    """Number of written rows, and the facts about each part, in any order."""

    n_rows: int
    told: list[Any]
