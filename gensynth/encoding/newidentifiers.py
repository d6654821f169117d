"""New identifiers of one column, generated for one range of rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.fields import Texts
from gensynth.encoding.identifier import IdentifierGenerator
from gensynth.schema.codes import from_codes
from gensynth.schema.ticks import from_ticks
from gensynth.schema.values import object_array


def generate(generator: IdentifierGenerator, n: int, rng: np.random.Generator) -> pd.Series[Any]:
    """Return n identifiers, none of them a fitted one; the first m do not depend on n.

    Parameters
    ----------
    generator : IdentifierGenerator
        Fitted.
    n : int
        Number of rows.
    rng : numpy.random.Generator
        Source of randomness; only its seed counts, not what was drawn from it.

    Raises
    ------
    DataError
        If the integer type has no room for so many new ones.
    """
    of_rows, of_values = rng.spawn(2)
    return NewIdentifiers(generator, generator.owners(n, of_rows), of_values).take(0, n)


class NewIdentifiers:
    """New identifiers of one column, generated for one range of rows at a time.

    Parameters
    ----------
    generator : IdentifierGenerator
        Of the column.
    owners : ndarray of shape (n,)
        The number of the identifier of each row, from `IdentifierGenerator.owners`.
    rng : numpy.random.Generator
        Source of randomness.
    """

    def __init__(self, generator: IdentifierGenerator, owners: NDArray[np.int64], rng: np.random.Generator) -> None:
        self.generator, self.owners = generator, owners
        self._count = int(owners.max(initial=-1)) + 1
        self._blocks = None if generator.pattern is None else generator.texts(self._count, rng)
        self._first = 0  # number of the first identifier that is kept
        self._kept: Texts = object_array([])

    def take(self, start: int, stop: int) -> pd.Series[Any]:
        """Return the identifiers of rows ``start`` to ``stop``; ranges must be consecutive."""
        own, generator = self.owners[start:stop], self.generator
        missing = own < 0
        if self._blocks is None:
            values = np.where(missing, 0, own + generator.first_new(self._count))
            return from_ticks(values, missing, generator.column)
        texts = self._texts(int(own.max(initial=-1)) + 1)
        at = own - self._first
        if generator.column.decimals == 0:
            numbers = np.array([*map(int, texts.tolist()), 0], dtype=np.int64)
            out = from_ticks(numbers[np.where(missing, -1, at)], missing, generator.column)
        else:
            labels = pd.Index([*texts.tolist(), *generator.kept], dtype=object)
            out = from_codes(
                np.where(own < -1, len(texts) - 2 - own, np.where(missing, -1, at)), labels, generator.column
            )
        self._forget(stop)
        return out

    def _texts(self, stop: int) -> Texts:
        """Return the texts that are kept, up to those of the identifiers before ``stop``."""
        assert self._blocks is not None
        parts = [self._kept]
        n = self._first + len(self._kept)
        while n < stop:
            parts.append(next(self._blocks))
            n += len(parts[-1])
        self._kept = np.concatenate(parts)
        return self._kept

    def _forget(self, stop: int) -> None:
        """Leave out the texts that no row from ``stop`` on has."""
        later = self.owners[stop:]
        low = int(later.min(where=later >= 0, initial=self._count))
        drop = min(max(low - self._first, 0), len(self._kept))
        self._kept, self._first = self._kept[drop:], self._first + drop
