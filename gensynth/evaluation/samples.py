"""Tables of an evaluation: real, synthetic and held-out rows, and the reference rows of floor and ceiling."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from gensynth.errors import DataError, IdentifierWarning, counted, listed
from gensynth.evaluation.alignment import aligned_with, read_table, same_levels
from gensynth.evaluation.images import ImageColumn, replaced
from gensynth.metrics import Fidelity, fidelity
from gensynth.metrics.points import sampled
from gensynth.schema import TableSchema
from gensynth.tables import to_frame
from gensynth.tables.imagearrays import check_target, declared_images

MIN_ROWS = 20
"""Fewest rows of a table that is evaluated."""

Role = Literal["value", "floor", "ceiling"]
"""What is evaluated: the synthetic rows, real rows (floor), or rows of independent columns (ceiling)."""

_HELD_OUT = 0.3  # of the real rows, for models, where no held-out rows are given


@dataclass(frozen=True)
class Pair:
    """Two tables to compare; ``other`` takes the role of the synthetic rows."""

    real: pd.DataFrame
    other: pd.DataFrame


@dataclass(frozen=True)
class Samples:
    """Aligned tables of an evaluation, with parsed numbers and dates and without identifiers.

    In the place of images stand features of them, arrays (64,) each.

    Parameters
    ----------
    real, synthetic : DataFrame
        What was given.
    holdout : DataFrame or None
        Real rows that the model never saw.
    aligned : dict of str to DataFrame
        The tables ("real", "synthetic", "holdout") before numbers and dates were read: relations are looked for there.
        Images are arrays of whole numbers, the levels of their pixels.
    schema : TableSchema
        What the real columns hold.
    left_out : tuple
        Identifiers.
    random_state : int
        Seed of all that is drawn.
    image : ImageColumn or None
        The column of images.
    """

    real: pd.DataFrame
    synthetic: pd.DataFrame
    holdout: pd.DataFrame | None
    aligned: dict[str, pd.DataFrame]
    schema: TableSchema
    left_out: tuple[Any, ...]
    random_state: int = 0
    image: ImageColumn | None = None
    _fidelities: dict[Role, Fidelity] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        real: Any,
        synthetic: Any,
        holdout: Any = None,
        *,
        target: Any = None,
        schema: Any = None,
        random_state: int = 0,
    ) -> Samples:
        """Align the tables.

        Raises
        ------
        DataError
            If a table has too few rows, the columns are not the same, or a value cannot be read as what the real
            column holds.
        OptionError
            The target is a column of images.
        """
        frames = {"real": to_frame(real)[0], "synthetic": to_frame(synthetic)[0]}
        if holdout is not None:
            frames["holdout"] = to_frame(holdout)[0]
        check_target(frames["real"], target)
        frames = _one_name(frames, schema)
        check_comparable(frames)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IdentifierWarning)  # the evaluation says what it leaves out
            keep = [target] if target is not None and target in frames["real"].columns else []
            own = TableSchema.infer(frames["real"].reset_index(drop=True), schema, keep)
        left_out = tuple(column.name for column in own.columns if column.kind == "identifier")
        if len(left_out) == len(own.columns):
            raise DataError(
                f"every column looks like an identifier: {listed(left_out)}; there is nothing that can be compared"
            )
        aligned = {name: aligned_with(frame, own, _WORDS[name]) for name, frame in frames.items()}
        for name in aligned.keys() - {"real"}:
            aligned[name] = same_levels(aligned[name], aligned["real"], own)
        read = {name: read_table(frame, own) for name, frame in aligned.items()}
        image = None
        if own.image is not None and own.image.image is not None:
            column = own.image.name
            image = ImageColumn(column, own.image.image)
            aligned = {name: replaced(one, column, image.levels(one[column])) for name, one in aligned.items()}
            image = image.with_features_of(aligned["real"][column])
            for name, frame in read.items():
                frame[column] = image.represented(aligned[name][column])
        return cls(read["real"], read["synthetic"], read.get("holdout"), aligned, own, left_out, random_state, image)

    @cached_property
    def pictures(self) -> Samples:
        """The images alone, in levels of their pixels; only where there are some."""
        assert self.image is not None
        frames = {name: frame[[self.image.name]] for name, frame in self.aligned.items()}
        tables = (frames["real"], frames["synthetic"], frames.get("holdout"))
        return Samples(*tables, self.aligned, self.schema, (), self.random_state, self.image.in_pixels)

    @property
    def has_scalars(self) -> bool:
        """Whether there are columns beside the images."""
        return self.image is None or self.real.shape[1] > 1

    @property
    def n_rows(self) -> dict[str, int]:
        """Rows of each table; 0 where no held-out rows were given."""
        held = 0 if self.holdout is None else len(self.holdout)
        return {"real": len(self.real), "synthetic": len(self.synthetic), "holdout": held}

    def pair(self, role: Role) -> Pair:
        """Return what is compared.

        The floor compares the real rows with the held-out ones; without these, one random half of the real rows with
        the other.
        """
        if role == "value":
            return Pair(self.real, self.synthetic)
        if role == "ceiling":
            return Pair(self.real, self.independent)
        if self.holdout is not None:
            return Pair(self.real, self.holdout)
        return Pair(*self._halves(self.real))

    def fidelity(self, role: Role) -> Fidelity:
        """Return the fidelity of a role, computed once."""
        if role not in self._fidelities:
            pair = self.pair(role)
            self._fidelities[role] = fidelity(pair.real, pair.other, random_state=self.random_state)
        return self._fidelities[role]

    def share_ends(self, other: Samples) -> None:
        """Take over what was compared without synthetic rows from samples with the same real and held-out rows."""
        self._fidelities.update({role: found for role, found in other._fidelities.items() if role != "value"})

    def aligned_of(self, role: Role) -> pd.DataFrame:
        """Return the rows in the place of the synthetic ones as they were before numbers and dates were read."""
        if role == "ceiling":
            return _shuffled(self.aligned["real"], self.random_state)
        if role == "value":
            return self.aligned["synthetic"]
        return self.aligned.get("holdout", self.aligned["real"])

    def unseen(self, role: Role) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Return training rows, held-out rows and the compared rows, if held-out rows are given.

        The floor measures one half of the held-out rows against the other.
        """
        assert self.holdout is not None
        if role == "floor":
            first, second = self._halves(self.holdout)
            return self.real, first, second
        return self.real, self.holdout, self.pair(role).other

    def learned_from(self, source: Role | Literal["both", "alone"], seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return rows to train a model on, and real rows to test it on.

        The three roles have equally many rows, as fewer rows teach less: "value" synthetic ones, "floor" real ones,
        "ceiling" shuffled ones. "alone" are all the real rows for training, "both" these and all synthetic ones.
        Without held-out rows some of the real ones are put aside for the tests; ``seed`` says which, and shuffles.
        """
        if self.holdout is not None:
            train, test = self.real, self.holdout
        else:
            order = np.random.default_rng(seed).permutation(len(self.real))
            held = max(round(_HELD_OUT * len(order)), 1)
            test, train = self.real.iloc[order[:held]], self.real.iloc[order[held:]]
        if source == "alone":
            return train, test
        if source == "both":
            return pd.concat([train, self.synthetic], ignore_index=True), test
        n = min(len(train), len(self.synthetic))
        if source == "value":
            return sampled(self.synthetic, n, seed), test
        train = sampled(train, n, seed)
        return (train if source == "floor" else _shuffled(train, seed)), test

    @cached_property
    def independent(self) -> pd.DataFrame:
        """The real table with every column shuffled by itself, and of images every pixel."""
        out = _shuffled(self.real, self.random_state)
        if self.image is None:
            return out
        pixels = self.image.independent(self.aligned["real"][self.image.name], self.random_state)
        return replaced(out, self.image.name, self.image.represented(pixels))

    def _halves(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        order = np.random.default_rng(self.random_state).permutation(len(frame))
        return frame.iloc[order[: len(order) // 2]], frame.iloc[order[len(order) // 2 :]]


def _shuffled(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = {name: frame[name].iloc[rng.permutation(len(frame))].reset_index(drop=True) for name in frame.columns}
    return pd.DataFrame(parts, copy=False)


def _one_name(frames: dict[str, pd.DataFrame], schema: Any) -> dict[str, pd.DataFrame]:
    """Return tables whose only column of images is called as that of the real one."""
    found = {name: declared_images(frame, schema) for name, frame in frames.items()}
    own = found["real"]
    if len(own) != 1:
        return frames
    return {
        name: frame.rename(columns={found[name][0]: own[0]}) if len(found[name]) == 1 else frame
        for name, frame in frames.items()
    }


_WORDS = {"real": "real table", "synthetic": "synthetic table", "holdout": "table of held-out rows"}


def check_comparable(frames: Mapping[str, pd.DataFrame]) -> None:
    """Raise `DataError` if a table ("real" and others) has too few rows, or other columns than the real one."""
    for name, frame in frames.items():
        if len(frame) < MIN_ROWS:
            raise DataError(f"the {_WORDS[name]} has {counted(len(frame), 'row')}; at least {MIN_ROWS} are needed")
        check_same_columns(frames["real"], frame, _WORDS[name])


def check_same_columns(real: pd.DataFrame, other: pd.DataFrame, what: str) -> None:
    """Raise `DataError` if a table lacks a column of the real one, or has another one."""
    absent = [name for name in real.columns if name not in other.columns]
    more = [name for name in other.columns if name not in real.columns]
    if absent:
        raise DataError(
            f"the {what} lacks {_named(absent)} of the real table; both must have the same columns"
            + (f" (it has {_named(more)} instead)" if more else "")
        )
    if more:
        raise DataError(f"the {what} has {_named(more)}, which the real table lacks; remove it there, or add it here")


def _named(names: Sequence[Any]) -> str:
    return f"the column{'s' if len(names) > 1 else ''} {listed(names)}"
