"""Oversampling: fit a model to real rows, sample new ones, and count copies of real ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.augmentation.containers import with_column
from gensynth.augmentation.drawn import Copies, SyntheticRows
from gensynth.augmentation.selection import likeliest
from gensynth.augmentation.target import free_name
from gensynth.encoding.owners import TableIdentifiers, find_leaders, fit_generators
from gensynth.engine.capabilities import CONDITIONAL, able, models_that, name_of, require
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.inputs.tables import weighted_rows
from gensynth.engine.parameters import make_recipe
from gensynth.errors import CapabilityError, OptionError, hint, shown
from gensynth.metrics.privacy import copies, repeated
from gensynth.schema import Column, TableSchema
from gensynth.tables import to_frame
from gensynth.training import Trainer
from gensynth.training.weights import Weights

MAX_REDRAWS, MAX_REDRAWN = 40, 8
"""Attempts of ``drop_copies`` to replace copies, and draws per row, before remaining copies are kept."""

MIN_CLASS_ROWS = 10
"""Minimal number of rows for which a class gets a model of its own."""

Draw = Callable[[NDArray[np.int64]], pd.DataFrame]
"""A function from the class index of each row to as many synthetic rows."""


@dataclass(frozen=True)
class FittedSampler:
    """Fitted models that sample rows, with their schema and training histories."""

    draw: Draw
    columns: tuple[Column, ...]
    history: pd.DataFrame


@dataclass(frozen=True)
class Source:
    """Settings of a model from which each method fits anew and samples rows.

    ``weights`` (n,) say how often each real row counts; None: once. ``candidates`` rows are drawn for each row of a
    class, and the likeliest of it are kept (`likeliest`).
    """

    model: Any
    trainer: Any = None
    schema: Any = None
    drop_copies: bool = False
    weights: Weights | None = None
    relations: Any = "auto"
    candidates: int = 1

    def rows(self, frame: pd.DataFrame, n: int, rng: np.random.Generator) -> SyntheticRows:
        """Sample ``n`` rows from the joint distribution of ``frame``."""
        require(make_recipe(self.model), "sample")
        fitted = self.fit(frame, None, rng)

        def draw(codes: NDArray[np.int64]) -> pd.DataFrame:
            return fitted.sample(len(codes), None, [seed_from(rng)])

        real, new = np.zeros(len(frame), dtype=np.int64), np.zeros(n, dtype=np.int64)
        how = FittedSampler(draw, fitted.schema.columns, fitted.history)
        return self._drawn(frame, real, new, how, rng)

    def class_rows(
        self,
        frame: pd.DataFrame,
        codes: NDArray[np.int64],
        classes: list[Any],
        wanted: Mapping[int, int],
        rng: np.random.Generator,
    ) -> SyntheticRows:
        """Sample ``wanted[k]`` rows of class ``k``, given the class of each row of ``frame``.

        One model is fitted on all rows and conditioned on the class. A family that cannot condition is fitted on the
        rows of each class alone; `CapabilityError` where those are too few.
        """
        wanted = {k: n for k, n in wanted.items() if n > 0}
        if not wanted:
            return SyntheticRows(frame.iloc[:0], codes[:0])
        single = [classes[k] for k in wanted if np.count_nonzero(codes == k) == 1]
        if single:
            advice = hint("leave them out of sampling_strategy", "leave out such rows")
            warnings.warn(
                f"the class(es) {', '.join(map(repr, single))} have one row only: synthetic rows cannot represent such "
                f"a class; collect more, or {advice}",
                UserWarning,
                stacklevel=3,
            )
        new = np.repeat(list(wanted), list(wanted.values()))
        recipe = make_recipe(self.model)
        require(recipe, "sample")
        if able(recipe, *CONDITIONAL):
            fitted = self._conditional(frame, codes, rng)
        else:
            few = next((k for k in wanted if np.count_nonzero(codes == k) < MIN_CLASS_ROWS), None)
            if few is not None:
                raise CapabilityError(
                    f"{name_of(recipe)} cannot sample rows of a given class, and class {shown(classes[few])} has "
                    f"{np.count_nonzero(codes == few)} rows, too few to fit a model to it alone (at least "
                    f"{MIN_CLASS_ROWS}); {models_that(*CONDITIONAL)}"
                )
            fitted = self._class_by_class(frame, codes, wanted, rng)
        return self._drawn(frame, codes, new, fitted, rng, self.candidates)

    def _conditional(self, frame: pd.DataFrame, codes: NDArray[np.int64], rng: np.random.Generator) -> FittedSampler:
        name = free_name("class", frame)
        fitted = self.fit(with_column(frame, name, pd.Categorical([f"c{k}" for k in codes])), name, rng)

        def draw(wanted: NDArray[np.int64]) -> pd.DataFrame:
            given = pd.DataFrame({name: [f"c{k}" for k in wanted]})
            # all classes in one call: identifiers differ within a call
            rows = fitted.sample(len(wanted), given, [seed_from(rng)])
            return rows[list(frame.columns)]

        columns = tuple(column for column in fitted.schema.columns if column.name != name)
        return FittedSampler(draw, columns, fitted.history)

    def _class_by_class(
        self,
        frame: pd.DataFrame,
        codes: NDArray[np.int64],
        wanted: Mapping[int, int],
        rng: np.random.Generator,
    ) -> FittedSampler:
        schema = TableSchema.infer(frame, self.schema)
        aligned = schema.align(frame)
        generators = fit_generators(aligned, schema)
        leaders = find_leaders(aligned, generators)
        fitted = {
            k: self._with_identifiers(frame[codes == k], schema).fit(frame, None, rng, codes == k) for k in wanted
        }

        def draw(rows: NDArray[np.int64]) -> pd.DataFrame:
            numbers = {k: int(np.count_nonzero(rows == k)) for k in fitted}
            parts = [fitted[k].sample(n, None, [seed_from(rng)]) for k, n in numbers.items() if n]
            order = np.concatenate([np.flatnonzero(rows == k) for k, n in numbers.items() if n])
            together = pd.concat(parts, ignore_index=True).iloc[np.argsort(order)].reset_index(drop=True)
            # those of one class could be real ones of another
            new = TableIdentifiers(generators, leaders, len(rows), np.random.default_rng(seed_from(rng)))
            made = new.take(len(rows))
            for column, values in made.items():
                together[column] = values
            return together

        return FittedSampler(draw, schema.columns, pd.concat([f.history for f in fitted.values()], ignore_index=True))

    def _with_identifiers(self, rows: pd.DataFrame, schema: TableSchema) -> Source:
        """Return this source with the identifiers of the whole table declared: a class has too few rows to tell."""
        if isinstance(self.schema, TableSchema):
            return self
        keys = [c.name for c in schema.columns if c.kind == "identifier" and rows[c.name].notna().any()]
        return replace(self, schema={**(self.schema or {}), **dict.fromkeys(keys, "identifier")})

    def fit(
        self, frame: pd.DataFrame, condition: Any, rng: np.random.Generator, of: NDArray[np.bool_] | None = None
    ) -> FittedModel:
        """Fit a model to all rows, or to those selected by ``of`` (n,)."""
        weights = self.weights
        if of is not None:
            frame, weights = frame[of], None if weights is None else weights[of]
        frame, container = to_frame(frame)
        frame, weights = weighted_rows(frame, weights)
        return FittedModel.fit(
            frame,
            container,
            make_recipe(self.model),
            Trainer() if self.trainer is None else self.trainer,
            seed_from(rng),
            weights=weights,
            schema=self.schema,
            condition_on=() if condition is None else (condition,),
            relations=self.relations,
        )

    def _drawn(
        self,
        frame: pd.DataFrame,
        codes: NDArray[np.int64],
        new: NDArray[np.int64],
        fitted: FittedSampler,
        rng: np.random.Generator,
        candidates: int = 1,
    ) -> SyntheticRows:
        """Sample rows of the classes ``new``, keep the likeliest candidates, and count copies of real rows.

        Copies are dropped if that is asked for, before rows are chosen.
        """
        each = np.repeat(new, candidates)
        rows = fitted.draw(each)
        drawn = SyntheticRows(rows.iloc[: len(new)], new, columns=fitted.columns, history=fitted.history)
        keys = drawn.keys
        learned = [name for name in frame.columns if name not in keys]  # a new identifier does not make a new row
        if not learned:
            return drawn
        name = free_name("class", frame)
        real = with_column(frame[learned], name, codes)
        copied = copies(real, with_column(rows[learned], name, each))
        dropped = 0
        for _ in range(MAX_REDRAWS if self.drop_copies else 0):
            at = np.flatnonzero(copied)
            if not len(at) or dropped + len(at) > MAX_REDRAWN * len(rows):
                break
            again = fitted.draw(each[at])
            copied[at] = copies(real, with_column(again[learned], name, each[at]))
            dropped += len(at)
            rows = _replaced(rows, at, again, learned)
        if candidates > 1:
            how = (fitted.columns, self.weights, np.random.default_rng(seed_from(rng)))
            kept = likeliest(frame, codes, rows, new, candidates, *how)
            # identifiers are those of the first rows: of all candidates, they would leave gaps
            rows, copied = _replaced(rows.iloc[: len(new)], np.arange(len(new)), rows.iloc[kept], learned), copied[kept]
        n_kept = int(copied.sum())
        if self.drop_copies and n_kept:
            warnings.warn(
                f"{n_kept} of {len(rows)} synthetic rows equal a real row and were kept: the columns hold so few "
                f"different values that {len(each) + dropped:,} draws gave no other rows",
                UserWarning,
                stacklevel=4,
            )
        share = np.bincount(new, minlength=int(codes.max()) + 1) / np.maximum(np.bincount(codes), 1)
        usual = float(np.average(repeated(real), weights=share[codes]))
        return replace(drawn, rows=rows, copies=Copies(n_kept, dropped, usual))


def without(schema: Any, names: Container[Any]) -> Any:
    """Return a declared schema without some columns."""
    if isinstance(schema, TableSchema):
        return TableSchema(tuple(c for c in schema.columns if c.name not in names))
    return {k: v for k, v in schema.items() if k not in names} if isinstance(schema, Mapping) else schema


def _replaced(rows: pd.DataFrame, at: NDArray[np.int64], again: pd.DataFrame, learned: list[Any]) -> pd.DataFrame:
    """Return the rows with the learned cells of others at ``at``; identifiers stay, to remain distinct."""
    order = np.arange(len(rows))
    order[at] = len(rows) + np.arange(len(at))
    both = pd.concat([rows[learned], again[learned]], ignore_index=True).iloc[order].reset_index(drop=True)
    keys = rows.drop(columns=learned)
    return pd.concat([both, keys], axis=1)[list(rows.columns)]


def generator(random_state: Any) -> np.random.Generator:
    """Return a new random generator; no global state is read or changed.

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
