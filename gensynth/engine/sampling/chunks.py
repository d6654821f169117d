"""Samples in chunks with a seed each: any range of rows is the same as in the whole sample."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.conditions import given_identifiers
from gensynth.encoding.owners import TableIdentifiers
from gensynth.encoding.related_rows import resolve
from gensynth.encoding.rows import Rows
from gensynth.encoding.wide import put_given
from gensynth.engine.capabilities import require_given
from gensynth.engine.sampling.conditions import draw_conditional

if TYPE_CHECKING:
    from gensynth.encoding.table import TableEncoder
    from gensynth.model import GenerativeModel, Recipe
    from gensynth.relations.sheet import Sheet

Conditions = Mapping[Any, Any] | pd.DataFrame | None


class SamplingModel(Protocol):
    """Interface of `gensynth.engine.fitted_model.FittedModel` for sampling."""

    recipe: Recipe
    encoder: TableEncoder
    model: GenerativeModel

    @property
    def chunk_rows(self) -> int:
        """Number of rows sampled from one seed."""

    def to(self, device: str) -> Self:
        """Move the network to a device."""


Drawer = Callable[["ChunkedSample"], Iterator[pd.DataFrame]]
_drawer: ContextVar[Drawer | None] = ContextVar("drawer", default=None)


@contextlib.contextmanager
def drawn_by(drawer: Drawer) -> Iterator[None]:
    """Replace `ChunkedSample.frames` by another function within the block, for samples of several chunks."""
    token = _drawer.set(drawer)
    try:
        yield
    finally:
        _drawer.reset(token)


class ChunkedSample:
    """A sample of n rows, any range of which can be generated independently.

    Identifiers differ over the whole sample. They are made from its first row on: parts that are asked for one after
    the other, in the order of the sample, cost least.

    Parameters
    ----------
    fitted : SamplingModel
        What draws.
    n : int
        Rows of the whole sample, >= 0.
    conditions : mapping, DataFrame or None
        Cells that are given.
    random : sequence of int
        What the draws are a function of, each >= 0.
    """

    def __init__(self, fitted: SamplingModel, n: int, conditions: Conditions, random: Sequence[int]) -> None:
        self.fitted, self.n, self.conditions, self.random = fitted, n, conditions, random
        self._seed_of_identifiers: np.random.SeedSequence | None = None
        self._identifiers: TableIdentifiers | None = None
        self._next = 0  # chunk whose identifiers are made next
        self._begun: tuple[int, pd.DataFrame] | None = None  # a chunk whose last rows were not asked for yet

    def whole(self) -> pd.DataFrame:
        """Return all rows."""
        drawer = _drawer.get()
        parts = list(self.frames() if drawer is None or self.n <= self.fitted.chunk_rows else drawer(self))
        return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[pd.DataFrame]:
        """Yield the rows from ``start`` to ``stop`` (None: the end), each frame at most `SamplingModel.chunk_rows`."""
        size = self.fitted.chunk_rows
        stop = self.n if stop is None else min(stop, self.n)
        if not self.n:
            yield self._chunk(0)
        elif start < stop:
            for number in range(start // size, (stop - 1) // size + 1):
                first = number * size
                before, self._begun = self._begun, None
                chunk = before[1] if before is not None and before[0] == number else self._chunk(number)
                if stop < min(first + size, self.n):
                    self._begun = number, chunk
                yield chunk.iloc[max(start - first, 0) : stop - first].reset_index(drop=True)

    def _rows_of(self, number: int) -> int:
        size = self.fitted.chunk_rows
        return min(size, self.n - number * size)

    def _chunk(self, number: int) -> pd.DataFrame:
        drawn, encoder = self._draw(number), self.fitted.encoder
        identifiers = self._identifiers_of(number) if encoder.generators else None
        frame = encoder.decode(drawn.rows, drawn.rng, drawn.mask, drawn.related, identifiers)
        if drawn.given is not None:
            put_given(frame, drawn.given, encoder)
        for name, cells in drawn.identifiers.items():
            frame[name] = cells
        return frame

    def _draw(self, number: int) -> _EncodedChunk:
        n, first = self._rows_of(number), number * self.fitted.chunk_rows
        encoder, given = self.fitted.encoder, self.conditions
        given = given.iloc[first : first + n] if isinstance(given, pd.DataFrame) else given
        identifiers: dict[Any, pd.Series[Any]] = {}
        if given is not None:
            given, identifiers = given_identifiers(encoder.schema, given, n)
            require_given(self.fitted.recipe, encoder, given)
        seed, rng = generators_of(entropy_of_chunk(self.random, number))
        rows, mask = draw_conditional(self.fitted.model, encoder, given, n, seed, rng)
        related, _ = resolve(encoder, rows, rng.spawn(1)[0], mask)
        if number == 0:
            seeds = rng.bit_generator.seed_seq
            assert isinstance(seeds, np.random.SeedSequence)
            self._seed_of_identifiers = copy.deepcopy(seeds)  # a copied generator of numpy 1.26 has other seeds
        return _EncodedChunk(rows, mask, related, given, identifiers, rng)

    def _identifiers_of(self, number: int) -> TableIdentifiers:
        """Return the identifier generator positioned at a chunk."""
        if self._seed_of_identifiers is None:
            self._draw(0)  # after what the first chunk has drawn
        if self._identifiers is None or self._next > number:
            assert self._seed_of_identifiers is not None
            rng = np.random.default_rng(copy.deepcopy(self._seed_of_identifiers))
            self._identifiers, self._next = self.fitted.encoder.new_identifiers(self.n, rng), 0
        for skipped in range(self._next, number):
            self._identifiers.take(self._rows_of(skipped))
        self._next = number + 1
        return self._identifiers


@dataclass(frozen=True)
class _EncodedChunk:
    """Encoded rows of a chunk, with masks of given cells, derived cells, conditions and identifiers."""

    rows: Rows
    mask: NDArray[np.bool_]
    related: Sheet
    given: Conditions
    identifiers: dict[Any, pd.Series[Any]]
    rng: np.random.Generator


def entropy_of_chunk(entropy: Sequence[int], number: int) -> Sequence[int]:
    """Return the entropy of a chunk: that of the call for the first, distinct from all calls for the others."""
    return [*entropy, 2**32 - 1, number] if number else entropy


def generators_of(entropy: Sequence[int]) -> tuple[int, np.random.Generator]:
    """Return the seed of the model and the generator of the encoder for one call."""
    words = np.random.SeedSequence(entropy).generate_state(2, np.uint64)
    seed, numpy_seed = (int(word >> np.uint64(1)) for word in words)
    return seed, np.random.default_rng(numpy_seed)
