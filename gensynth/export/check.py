"""Comparison of exported graphs with what they were made of, on rows of their own."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.engine.conformal import conformal_p_values
from gensynth.engine.ensemble import RowScorer
from gensynth.engine.scoring import LEAST
from gensynth.errors import ExportError
from gensynth.export.columns import NOISE, ColumnPort
from gensynth.export.compile import compiled
from gensynth.export.drawn import drawn_frame
from gensynth.export.feeds import aligned_feeds
from gensynth.export.ports import codes_of_texts
from gensynth.export.program import reasons_of
from gensynth.export.runtime import Session
from gensynth.export.sampler import SamplerPlan
from gensynth.export.scorer import Calibration
from gensynth.export.tails import TIE, tie
from gensynth.nn.noise import Noise
from gensynth.relations.ruleset import RuleSet
from gensynth.relations.sheet import Sheet

MAX_DIFFERENCE = 1e-5
"""Relative difference of scores above which nothing is written."""
MAX_FLIPS = 1e-5
"""Share of the cells of a sample that may differ: where a number lies on a threshold, rounding decides."""
NEAR = 1e-4
"""Difference of sampled numbers, in units of their deviation or of themselves, that is rounding."""
INEXACT = 1e-6
"""Difference of positions in bins from which on it would decide about the last digits of numbers too often."""
_SEED = 20


@dataclass(frozen=True)
class Checked:
    """What a check of a graph found.

    Parameters
    ----------
    rows : int
        Rows that were compared; 0 where nothing was.
    difference : float
        Of a scorer the largest relative difference of scores, of a sampler the share of cells that differ.
    runtime : str
        What ran the graph.
    """

    rows: int
    difference: float
    runtime: str


def check_scorer(
    model: onnx.ModelProto, scorer: RowScorer, calibration: Calibration | None, ports: list[ColumnPort], n: int
) -> Checked:
    """Compare the scores of ``n`` drawn rows.

    Raises
    ------
    ExportError
        Scores differ by more than `MAX_DIFFERENCE`, or a label does.
    """
    if n == 0:
        return Checked(0, 0.0, "")
    session = Session(model)
    frame = drawn_frame(scorer.encoder, n, np.random.default_rng(_SEED))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that were never fitted: these rows have some on purpose
        aligned, rows = scorer.encode(frame)
    found = session.run(aligned_feeds(aligned, scorer.encoder.schema, ports))
    wanted = scorer.score(rows)
    difference = relative_difference(found["score"], wanted)
    worst = float(difference.max())
    if not worst <= MAX_DIFFERENCE:
        at = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
        raise ExportError(
            f"the exported scorer differs from the model by {worst:.2g} in units of the score (at most "
            f"{MAX_DIFFERENCE:g} is allowed): {found['score'][at]:.9g} and {wanted[at]:.9g} for the row "
            f"{aligned.iloc[at].to_dict()}; nothing was written"
        )
    if calibration is not None:
        _check_decisions(found, wanted, calibration)
    return Checked(n, worst, session.description)


def relative_difference(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the relative differences (n,) of scores; those near 0 are as exact as `LEAST` is."""
    return np.asarray(np.abs(found - wanted) / np.maximum(np.abs(wanted), LEAST))


def _check_decisions(found: dict[str, NDArray[Any]], wanted: NDArray[np.float64], calibration: Calibration) -> None:
    reach = tie(wanted)
    if (np.abs(found["score"] - wanted) > reach).any():
        worst = float(np.max(np.abs(found["score"] - wanted) / reach)) * TIE
        raise ExportError(
            f"scores of the exported detector differ from the model's by {worst:.2g} in units of the score, and for "
            f"p-values and labels at most {TIE:g} is allowed; nothing was written"
        )
    near = 2.0 * reach  # a score and what it is compared with may both be that far off
    sure = np.abs(wanted - calibration.offset) > near
    labels = np.where(wanted < calibration.offset, -1, 1)
    if (sure & (found["label"] != labels)).any():
        raise ExportError("labels of the exported scorer differ from the detector's; nothing was written")
    low, high = (conformal_p_values(wanted + side * near, calibration.scores) for side in (-1, 1))
    if ((found["p_value"] < low - 1e-12) | (found["p_value"] > high + 1e-12)).any():
        raise ExportError("p-values of the exported scorer differ from the detector's; nothing was written")


def check_sampler(model: onnx.ModelProto, plan: SamplerPlan, n: int) -> Checked:
    """Compare the cells of ``n`` rows that are made of the same noise.

    Raises
    ------
    ExportError
        More than `MAX_FLIPS` of the cells differ.
    """
    if n == 0:
        return Checked(0, 0.0, "")
    session, encoder = Session(model), plan.fitted.encoder
    noise = plan.widths.draw(n, Generator().manual_seed(_SEED))
    feeds = {name: part.numpy() for name, part in zip(NOISE, noise, strict=True) if part.shape[1]}
    given: list[Tensor] = []
    if plan.given:
        frame = encoder.schema.align(drawn_frame(encoder, n, np.random.default_rng(_SEED), strange=False))
        cells = aligned_feeds(frame, encoder.schema, plan.given)
        feeds |= cells
        given = [as_read(encoder, port, cells[port.name][:, 0]) for port in plan.given]
    with torch.no_grad():
        drawn = plan.rows(noise, given)
    rows = Rows(drawn.numeric.double().numpy(), drawn.codes.numpy().astype(np.int32))
    wanted = aligned_feeds(
        encoder.schema.align(unsettled(encoder).decode(rows, np.random.default_rng(_SEED))),
        encoder.schema,
        plan.outputs,
    )
    found = session.run(feeds)
    flips = {port.name: differing(found[port.name], wanted[port.name]) for port in plan.outputs}
    n_cells = n * len(plan.outputs)
    share = sum(int(differs.sum()) for differs in flips.values()) / n_cells
    if share > max(MAX_FLIPS, 1.0 / n_cells):  # one cell of a small check may lie on a threshold
        name = max(flips, key=lambda one: int(flips[one].sum()))
        at = int(np.argmax(flips[name]))
        raise ExportError(
            f"{share:.2g} of the cells of the exported sampler differ from the model's, most of them in {name!r}: "
            f"{found[name][at, 0]!r} and {wanted[name][at, 0]!r}; nothing was written"
        )
    return Checked(n, share, session.description)


def is_inexact(plan: SamplerPlan, n: int = 256) -> bool:
    """Return whether a graph in float32 would draw other numbers than the model does, if ever so slightly.

    A number that is drawn by its code and uniformly in its bin is the same; one that is an output of a network is a sum
    whose order is each runtime's own, and a last digit of a value hangs on it.
    """
    if not plan.fitted.encoder.layout.n_numeric or plan.given:
        return bool(plan.given)
    noise = plan.widths.draw(n, Generator().manual_seed(_SEED))

    def numbers(uniform: Tensor, normal: Tensor) -> list[Tensor]:
        return [plan.rows(Noise(uniform, normal)).numeric]

    with reasons_of(type(plan.fitted.recipe).__name__):
        session = Session(compiled(numbers, noise))
    found = session.run({f"x{i}": part.numpy() for i, part in enumerate(noise)})["y0"]
    with torch.no_grad():
        (wanted,) = numbers(*noise)
    return bool((np.abs(found - wanted.numpy()) > INEXACT).any())


def differing(found: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the rows (n,) whose cells (n, 1) differ: of floating point by more than `NEAR` of what they spread."""
    found, wanted = found[:, 0], wanted[:, 0]
    if found.dtype.kind != "f":
        return np.asarray(found != wanted)
    there = ~np.isnan(wanted)
    spread = np.std(wanted[there]) if there.any() else 0.0
    near = np.abs(found - wanted) <= NEAR * np.maximum(spread, np.abs(wanted))
    return np.asarray(np.where(there, ~near, ~np.isnan(found)))


def as_read(encoder: TableEncoder, port: ColumnPort, cells: NDArray[Any]) -> Tensor:
    """Return the cells (n,) of an input as functions of tensors take them: of texts the level, or the place."""
    if port.type != "string":
        return torch.from_numpy(cells)
    texts, other = codes_of_texts(encoder, port)
    return torch.tensor([texts.get(text, other) for text in cells.tolist()])


def unsettled(encoder: TableEncoder) -> TableEncoder:
    """Return an encoder that decodes without making relations hold, as a graph does."""
    if encoder.rules is None:
        return encoder
    out = copy.copy(encoder)
    out.rules = _Unsettled.__new__(_Unsettled)
    vars(out.rules).update(vars(encoder.rules))
    return out


class _Unsettled(RuleSet):
    """Relations that are not made to hold."""

    def settle(self, sheet: Sheet, rng: np.random.Generator) -> NDArray[np.bool_]:  # noqa: ARG002
        """Change nothing."""
        return np.zeros(len(sheet), dtype=bool)
