"""Selection of the real rows to compare synthetic ones with: the same classes in the same proportions."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.augmentation.containers import with_column
from gensynth.augmentation.strategy import factorized
from gensynth.augmentation.target import columns_of, free_name, is_continuous, labels_of
from gensynth.errors import DataError, OptionError, counted, shown
from gensynth.evaluation import Evaluation, evaluate
from gensynth.evaluation.alignment import leveled
from gensynth.evaluation.evaluate import Progress
from gensynth.evaluation.samples import MIN_ROWS
from gensynth.tables import to_frame


@dataclass(frozen=True)
class ComparedRows:
    """Tables that `gensynth.evaluation.evaluate` takes.

    Parameters
    ----------
    real, synthetic : DataFrame
        Rows with the same columns; if classes are matched, with the same proportions of these.
    holdout : DataFrame or None
        Real rows that the model never saw, likewise.
    target : column label or None
        What models are trained to predict.
    classes : tuple
        The classes that were matched, those of the new rows; empty where all rows are compared.
    """

    real: pd.DataFrame
    synthetic: pd.DataFrame
    holdout: pd.DataFrame | None = None
    target: Hashable | None = None
    classes: tuple[Any, ...] = ()

    def evaluate(self, *, schema: Any = None, random_state: int = 0, progress: Progress | None = None) -> Evaluation:
        """Evaluate the new rows beside these real ones; parameters as for `gensynth.evaluation.evaluate`.

        A target of which all rows have one class is nothing that a model could learn, and is left out.
        """
        one = self.target is None or self.real[self.target].nunique() < 2
        return evaluate(
            self.real,
            self.synthetic,
            self.holdout,
            target=None if one else self.target,
            schema=schema,
            random_state=random_state,
            progress=progress,
        )


def compared_rows(
    real: Any,
    synthetic: Any,
    target: Hashable | None = None,
    holdout: Any = None,
    *,
    by_class: bool = False,
    random_state: int = 0,
) -> ComparedRows:
    """Return the rows to compare: all of them, or if classes were filled up those of these classes.

    New rows of rare classes are no sample of the whole table, and would be told from it by their classes alone. They
    are compared with real rows of these classes. As many rows as can be had with equal proportions of the classes are
    kept on each side: all real rows of them and some of the new ones, or all new rows and some real ones.

    Parameters
    ----------
    real, synthetic : table
        The real rows and the new ones, with the same columns.
    target : hashable or None
        Column that models are trained to predict.
    holdout : table, optional
        Real rows that the model never saw.
    by_class : bool, default=False
        Whether classes of the target were filled up.
    random_state : int, default=0
        Seed of which rows are kept.

    Raises
    ------
    DataError
        Fewer than 20 rows are left on a side.
    OptionError
        With ``by_class``, ``target`` is no column, or holds no classes.
    """
    frames = {"real": to_frame(real)[0], "new": to_frame(synthetic)[0]}
    if holdout is not None:
        frames["held-out"] = to_frame(holdout)[0]
    if not by_class:
        return ComparedRows(frames["real"], frames["new"], frames.get("held-out"), target)
    for frame in frames.values():
        if target not in frame.columns or is_continuous(frame[target]):
            raise OptionError(f"target {shown(target)} is not categorical in all tables, so classes cannot be matched")
    labels = [leveled(frame[target], frames["real"][target]) for frame in frames.values()]
    classes, together = factorized(pd.concat(labels, ignore_index=True))
    sizes = np.cumsum([len(frame) for frame in frames.values()])[:-1]
    codes = dict(zip(frames, np.split(together, sizes), strict=True))
    counts = {name: np.bincount(part[part >= 0], minlength=len(classes)) for name, part in codes.items()}
    used = (counts["new"] > 0) & (counts["real"] > 0)
    kept = max(
        (_kept(counts, used, like) for like in ("real", "new")),
        key=lambda sides: min(int(sides[name].sum()) for name in ("real", "new")),
    )
    names = tuple(name for name, there in zip(classes, used, strict=True) if there)
    told = f"of the {counted(len(names), 'class', 'classes')} {', '.join(map(shown, names[:10]))}"
    for name, sizes in kept.items():
        if sizes.sum() < MIN_ROWS:
            raise DataError(
                f"{counted(int(sizes.sum()), f'{name} row')} {told} can be compared, in the proportions of the new "
                f"rows; at least {MIN_ROWS} are needed"
            )
    rng = np.random.default_rng(random_state)
    chosen = {name: frames[name].iloc[_drawn(codes[name], sizes, rng)] for name, sizes in kept.items()}
    return ComparedRows(chosen["real"], chosen["new"], chosen.get("held-out"), target, names)


def rows_of_result(
    X: Any, y: Any, synthetic: NDArray[np.bool_], *, by_class: bool, random_state: int = 0
) -> ComparedRows:
    """Return the rows to compare from an `Augmenter`'s output, with the target as a column.

    Parameters
    ----------
    X, y : table of shape (n, d), array-like of shape (n,) or (n, n_outputs) or None
        What was returned.
    synthetic : ndarray of shape (n,), bool
        Which rows are synthetic.
    by_class : bool
        Whether classes were filled up.
    random_state : int
        Seed of which rows are kept.
    """
    frame = to_frame(X)[0].reset_index(drop=True)
    if len(frame) != len(synthetic):
        raise DataError(f"X has {len(frame)} rows where {len(synthetic)} were returned; give X and y as they came back")
    names = []
    if y is not None:
        columns = labels_of(y).to_frame() if by_class else columns_of(y)
        wanted = getattr(y, "name", None)
        for j in range(columns.shape[1]):
            names.append(free_name("target" if wanted is None else str(wanted), frame))
            frame = with_column(frame, names[-1], columns.iloc[:, j])
    target = names[0] if len(names) == 1 else None
    real, new = (frame[part].reset_index(drop=True) for part in (~synthetic, synthetic))
    return compared_rows(real, new, target, by_class=by_class, random_state=random_state)


def _kept(counts: dict[str, NDArray[np.int64]], used: NDArray[np.bool_], like: str) -> dict[str, NDArray[np.int64]]:
    """Return the number of rows of each class to keep in each table, to give all the same proportions."""
    shares = np.where(used, counts[like], 0)
    shares = shares / max(shares.sum(), 1)
    out = {}
    for name, there in counts.items():
        total = (there[used] / shares[used]).min() if used.any() else 0.0
        out[name] = np.minimum(np.maximum(np.rint(total * shares).astype(np.int64), used), there)
    return out


def _drawn(codes: NDArray[np.int64], sizes: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the positions of ``n`` rows of each class, in order."""
    parts = [rng.permutation(np.flatnonzero(codes == k))[:n] for k, n in enumerate(sizes.tolist())]
    return np.sort(np.concatenate(parts))
