"""Fit a synthesizer to real rows and draw new ones that are no copies of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.augmentation.stacking import with_column
from gensynth.augmentation.target import free_name
from gensynth.errors import CapabilityError, OptionError
from gensynth.metrics.privacy import copies
from gensynth.synthesizer import Synthesizer

MAX_DRAWS = 8
"""How often rows are drawn in place of copies before copies are kept."""

MIN_CLASS_ROWS = 10
"""Fewest rows of a class that get a synthesizer of their own."""


@dataclass(frozen=True)
class Part:
    """Rows of one draw, the number of copies that were thrown away, and the columns of identifiers."""

    rows: pd.DataFrame
    n_copies_dropped: int
    keys: frozenset[Any]


@dataclass(frozen=True)
class Drawn:
    """Synthetic rows, the class of each (its position among the classes), and how many copies were thrown away.

    ``keys`` are the columns that were taken for identifiers: made up anew, not learned.
    """

    rows: pd.DataFrame
    codes: NDArray[np.int64]
    n_copies_dropped: int
    keys: frozenset[Any] = frozenset()


@dataclass(frozen=True)
class Source:
    """What rows are drawn from: the settings of a `Synthesizer`, fitted anew by each method."""

    model: Any
    trainer: Any = None
    schema: Any = None
    drop_copies: bool = True

    def rows(self, frame: pd.DataFrame, n: int, rng: np.random.Generator) -> Drawn:
        """Draw ``n`` rows like those of ``frame``, as its columns together say."""
        part = self._draw(self._fit(frame, None, rng), frame, n, None, rng)
        return Drawn(part.rows, np.zeros(n, dtype=np.int64), part.n_copies_dropped, part.keys)

    def class_rows(
        self,
        frame: pd.DataFrame,
        codes: NDArray[np.int64],
        classes: list[Any],
        wanted: Mapping[int, int],
        rng: np.random.Generator,
    ) -> Drawn:
        """Draw ``wanted[k]`` rows of class ``k``, given the class of each row of ``frame``.

        One model is fitted on all rows and conditioned on the class. A family that cannot condition is fitted on the
        rows of each class alone.
        """
        wanted = {k: n for k, n in wanted.items() if n > 0}
        if not wanted:
            return Drawn(frame.iloc[:0], codes[:0], 0)
        single = [classes[k] for k in wanted if np.count_nonzero(codes == k) == 1]
        if single:
            warnings.warn(
                f"the class(es) {', '.join(map(repr, single))} have one row only: rows drawn for them say little about "
                "the class; collect more, or leave them out of sampling_strategy",
                UserWarning,
                stacklevel=3,
            )
        try:
            parts = self._conditional(frame, codes, wanted, rng)
        except CapabilityError as error:
            parts = self._class_by_class(frame, codes, classes, wanted, rng, error)
        return Drawn(
            pd.concat([part.rows for part in parts], ignore_index=True)[list(frame.columns)],
            np.repeat(list(wanted), list(wanted.values())),
            sum(part.n_copies_dropped for part in parts),
            frozenset().union(*(part.keys for part in parts)),
        )

    def _conditional(
        self, frame: pd.DataFrame, codes: NDArray[np.int64], wanted: Mapping[int, int], rng: np.random.Generator
    ) -> list[Part]:
        name = free_name("class", frame)
        joined = with_column(frame, name, pd.Categorical([f"c{k}" for k in codes]))
        synthesizer = self._fit(joined, name, rng)
        return [self._draw(synthesizer, frame[codes == k], n, {name: f"c{k}"}, rng) for k, n in wanted.items()]

    def _class_by_class(
        self,
        frame: pd.DataFrame,
        codes: NDArray[np.int64],
        classes: list[Any],
        wanted: Mapping[int, int],
        rng: np.random.Generator,
        error: CapabilityError,
    ) -> list[Part]:
        parts = []
        for k, n in wanted.items():
            own = frame[codes == k]
            if len(own) < MIN_CLASS_ROWS:
                raise CapabilityError(
                    f"{error}; and class {classes[k]!r} has {len(own)} rows, too few to fit a model to it alone "
                    f"(at least {MIN_CLASS_ROWS}): take a family that conditions, such as 'vlae'"
                ) from error
            parts.append(self._draw(self._fit(own, None, rng), own, n, None, rng))
        return parts

    def _fit(self, frame: pd.DataFrame, condition: Any, rng: np.random.Generator) -> Synthesizer:
        return Synthesizer(
            self.model,
            trainer=self.trainer,
            schema=self.schema,
            condition_on=None if condition is None else [condition],
            random_state=seed_from(rng),
        ).fit(frame)

    def _draw(
        self,
        synthesizer: Synthesizer,
        real: pd.DataFrame,
        n: int,
        conditions: Mapping[Any, Any] | None,
        rng: np.random.Generator,
    ) -> Part:
        """Draw ``n`` rows, none of which copies a row of ``real`` unless there is no other way."""
        rows = synthesizer.sample(n, conditions=conditions, random_state=seed_from(rng))
        keys = frozenset(c.name for c in synthesizer.schema_.columns if c.kind == "identifier")
        if not self.drop_copies:
            return Part(rows, 0, keys)
        learned = {c.name for c in synthesizer.schema_.learned}  # a new identifier does not make a new row
        names = [c for c in real.columns if c in learned]
        if not names:
            return Part(rows, 0, keys)
        real = real[names]
        kept, spare, n_kept, n_drawn, dropped = [], [], 0, 0, 0
        for attempt in range(MAX_DRAWS):
            if attempt:
                share = max(n_kept / n_drawn, 0.1)
                more = ceil(1.1 * (n - n_kept) / share)
                rows = synthesizer.sample(more, conditions=conditions, random_state=seed_from(rng))
            copied = copies(real, rows)
            new = rows[~copied].iloc[: n - n_kept]
            kept.append(new)
            spare.append(rows[copied])
            n_kept, n_drawn, dropped = n_kept + len(new), n_drawn + len(rows), dropped + int(copied.sum())
            if n_kept == n:
                break
        if n_kept < n:
            missing = n - n_kept
            warnings.warn(
                f"{missing} of {n} synthetic rows equal a real row and were kept: the columns hold so few different "
                f"values that {n_drawn} draws gave no more new rows",
                UserWarning,
                stacklevel=2,
            )
            kept.append(pd.concat(spare).iloc[:missing])
            dropped -= missing
        return Part(pd.concat(kept, ignore_index=True), dropped, keys)


def generator(random_state: Any) -> np.random.Generator:
    """Return a source of randomness of its own: no global state is read, none is changed.

    Raises
    ------
    OptionError
        If ``random_state`` is no seed, `numpy.random.Generator`, `numpy.random.RandomState` or None.
    """
    if isinstance(random_state, np.random.RandomState):
        random_state = int(random_state.randint(2**31 - 1))
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"random_state={random_state!r}: expected a whole number >= 0, a numpy Generator or RandomState, or None"
        ) from error


def seed_from(rng: np.random.Generator) -> int:
    """Return a seed below 2**31 - 1, drawn from ``rng``."""
    return int(rng.integers(2**31 - 1))
