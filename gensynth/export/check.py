"""Numerical check of exported graphs against the model, on generated rows."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor

from gensynth.encoding.table import TableEncoder
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.scoring.conformal import conformal_p_values
from gensynth.engine.scoring.ensemble import RowScorer
from gensynth.engine.scoring.row_scores import LEAST
from gensynth.errors import ExportError, counted
from gensynth.export.columns import MAP, reserved_text
from gensynth.export.compile import compiled
from gensynth.export.drawn import SamplerInputs, drawn_frame
from gensynth.export.feeds import aligned_feeds
from gensynth.export.ports import table_ports
from gensynth.export.program import reasons_of
from gensynth.export.recording import primes_for
from gensynth.export.rounding import PLACES, Rounding
from gensynth.export.runtime import Session
from gensynth.export.sampler import SamplerPlan
from gensynth.export.scorer import Calibration
from gensynth.export.tails import tie
from gensynth.nn.noise import Noise
from gensynth.relations.ruleset import RuleSet
from gensynth.relations.sheet import Sheet

MAX_FLIPS = 1e-5
"""Share of the cells of a sample that may differ: where a number lies on a threshold, rounding decides."""
NEAR = 1e-4
"""Difference between sampled numbers, relative to their deviation or size, that counts as rounding."""
INEXACT = 1e-6
"""Difference in the position within a bin above which the last digits of numbers would differ too often."""
_SEED = 20


@dataclass(frozen=True)
class GraphCheck:
    """Result of the check of a graph.

    Parameters
    ----------
    rows : int
        Rows that were compared; 0 where nothing was.
    difference : float
        Of a scorer the largest relative difference of scores (of images but for the rows of `Rounding.share`), of a
        sampler the share of cells, or of pixels, that differ.
    runtime : str
        What ran the graph.
    """

    rows: int
    difference: float
    runtime: str


def check_scorer(
    model: onnx.ModelProto,
    scorer: RowScorer,
    fitted: FittedModel,
    calibration: Calibration | None,
    rounding: Rounding,
    n: int,
) -> GraphCheck:
    """Check the scores, and maps, of a graph on ``n`` generated rows.

    Raises
    ------
    ExportError
        Scores or maps differ by more than rounding, or a label does.
    """
    if n == 0:
        return GraphCheck(0, 0.0, "")
    session, encoder = Session(model), scorer.encoder
    frame = drawn_frame(fitted, n, np.random.default_rng(_SEED))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that were never fitted: these rows have some on purpose
        aligned, rows = scorer.encode(frame)
    ports = table_ports(fitted, reserved_text(encoder))
    found = session.run(aligned_feeds(aligned, encoder.schema, ports))
    wanted, exempt = scorer.score(rows), rounding.exempt(n)
    difference = rounding.differences(found["score"], wanted)
    worst = _nth_largest(difference, exempt)
    if not worst <= rounding.difference:
        at = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
        cells = aligned.iloc[at].drop([] if encoder.image is None else encoder.image.name).to_dict()
        raise ExportError(
            f"the exported scorer differs from the model by {worst:.2g} in units of the score (at most "
            f"{rounding.difference:.2g} is allowed): {found['score'][at]:.9g} and {wanted[at]:.9g} for the row "
            f"{cells or at}; nothing was written"
        )
    if MAP in found:
        _check_maps(found[MAP], scorer.maps(rows), rounding, exempt)
    if calibration is not None:
        _check_decisions(found, wanted, calibration, rounding)
    return GraphCheck(n, worst, session.description)


def _nth_largest(values: NDArray[np.float64], exempt: int) -> float:
    """Return the largest of values (n,) but for so many; NaN if one is not a number, which no rounding makes."""
    if np.isnan(values).any():
        return float("nan")
    return float(np.sort(values)[len(values) - 1 - exempt])


def _check_maps(found: NDArray[np.float64], wanted: NDArray[np.float64], rounding: Rounding, exempt: int) -> None:
    """Raise `ExportError` if maps (n, height, width) differ, relative to the largest place of each."""
    largest = np.abs(wanted).max((1, 2))
    size = np.maximum(largest, max(float(np.median(largest)), LEAST))
    worst, most = _nth_largest(np.abs(found - wanted).max((1, 2)) / size, exempt), PLACES * rounding.difference
    if not worst <= most:
        raise ExportError(
            f"maps of the exported scorer differ from the model's by {worst:.2g} of the largest place (at most "
            f"{most:.2g} is allowed); nothing was written"
        )


def _check_decisions(
    found: dict[str, NDArray[Any]], wanted: NDArray[np.float64], calibration: Calibration, rounding: Rounding
) -> None:
    reach = tie(wanted, rounding.tie)
    off = np.abs(found["score"] - wanted) > reach
    if off.sum() > rounding.exempt(len(wanted)):
        worst = float(np.max(np.abs(found["score"] - wanted) / reach)) * rounding.tie
        raise ExportError(
            f"scores of the exported detector differ from the model's by {worst:.2g} in units of the score, and for "
            f"p-values and labels at most {rounding.tie:.2g} is allowed; nothing was written"
        )
    near = 2.0 * reach  # a score and what it is compared with may both be that far off
    sure = ~off & (np.abs(wanted - calibration.offset) > near)
    labels = np.where(wanted < calibration.offset, -1, 1)
    if (sure & (found["label"] != labels)).any():
        raise ExportError("labels of the exported scorer differ from the detector's; nothing was written")
    low, high = (conformal_p_values(wanted + side * near, calibration.scores) for side in (-1, 1))
    if (~off & ((found["p_value"] < low - 1e-12) | (found["p_value"] > high + 1e-12))).any():
        raise ExportError("p-values of the exported scorer differ from the detector's; nothing was written")


def check_sampler(model: onnx.ModelProto, plan: SamplerPlan, n: int) -> GraphCheck:
    """Check the cells of ``n`` rows sampled from the same noise.

    Raises
    ------
    ExportError
        More than `MAX_FLIPS` of the cells differ, or of the pixels of images.
    """
    if n == 0:
        return GraphCheck(0, 0.0, "")
    session, encoder, inputs = Session(model), plan.fitted.encoder, SamplerInputs.draw(plan, n)
    rows = inputs.rows(plan, session.block)
    wanted = aligned_feeds(
        encoder.schema.align(unsettled(encoder).decode(rows, np.random.default_rng(_SEED))),
        encoder.schema,
        plan.outputs,
    )
    found = session.run(inputs.feeds)
    flips = {port.name: differing(found[port.name], wanted[port.name]) for port in plan.columns}
    share = _share(flips)
    if share > max(MAX_FLIPS, 1.0 / (n * max(len(flips), 1))):  # one cell of a small check may lie on a threshold
        name = max(flips, key=lambda one: int(flips[one].sum()))
        at = int(np.argmax(flips[name]))
        raise ExportError(
            f"{share:.2g} of the cells of the exported sampler differ from the model's, most of them in {name!r}: "
            f"{found[name][at, 0]!r} and {wanted[name][at, 0]!r}; nothing was written"
        )
    if encoder.image is None:
        return GraphCheck(n, share, session.description)
    image = plan.outputs[-1].name
    pixels = (found[image] != wanted[image]).reshape(n, -1)
    pixels[np.any([*flips.values(), np.zeros(n, dtype=bool)], axis=0)] = False  # beside other cells: another image
    _check_pixels(pixels, image)
    return GraphCheck(n, max(share, _share({image: pixels})), session.description)


def _share(flips: dict[str, NDArray[np.bool_]]) -> float:
    n_cells = sum(differs.size for differs in flips.values())
    return sum(int(differs.sum()) for differs in flips.values()) / max(n_cells, 1)


def _check_pixels(flips: NDArray[np.bool_], name: str) -> None:
    """Raise `ExportError` if too many pixels (n, pixels) differ, those of one image left out where there are several.

    A draw that lies on a threshold, of a code or of a pixel that others follow, changes the image.
    """
    by_image = flips.sum(1)
    exempt = by_image.max() if len(flips) > 1 else 0
    rest = (by_image.sum() - exempt) / flips.size
    if rest > max(MAX_FLIPS, 1.0 / flips.size):
        raise ExportError(
            f"{flips.mean():.2g} of the pixels of the exported sampler differ from the model's, in "
            f"{counted(int((by_image > 0).sum()), 'image')} of {len(flips)} of {name!r}; nothing was written"
        )


def is_inexact(plan: SamplerPlan, n: int = 256) -> bool:
    """Return whether a float32 graph would sample numbers that differ from the model's by rounding.

    A number that is drawn by its code and uniformly in its bin is the same; one that is an output of a network is a sum
    whose order is each runtime's own, and a last digit of a value, or the level of a pixel, hangs on it.
    """
    layout = plan.fitted.encoder.layout
    if plan.given and (layout.n_numeric or layout.image is None):
        return True  # a given number has more digits than a network in float32 hands on
    if not layout.n_numeric and layout.image is None:
        return False
    inputs = SamplerInputs.draw(plan, n if layout.image is None else min(n, 64))  # an image has many pixels

    def numbers(uniform: Tensor, normal: Tensor, *given: Tensor) -> list[Tensor]:
        rows = plan.rows(Noise(uniform, normal), given)
        return [rows.numeric if rows.pixels is None else torch.cat([rows.numeric, rows.pixels.flatten(1)], 1)]

    arguments = [*inputs.noise, *inputs.given]
    with reasons_of(type(plan.fitted.recipe).__name__):
        session = Session(compiled(numbers, arguments, primes=primes_for(layout)))
    found = session.run({f"x{i}": part.numpy() for i, part in enumerate(arguments)})["y0"]
    with torch.no_grad():
        (wanted,) = numbers(*arguments)
    difference = np.abs(found - wanted.numpy())
    cells, pixels = difference[:, : layout.n_numeric], difference[:, layout.n_numeric :]
    # of pixels as many change their level as lie so near to the next one
    flips = 0.0 if layout.image is None else float(pixels.mean()) * layout.image.levels
    return bool((cells > INEXACT).any()) or flips > 0.25 * MAX_FLIPS


def differing(found: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the rows (n,) whose cells (n, 1) differ: of floating point by more than `NEAR` of what they spread."""
    found, wanted = found[:, 0], wanted[:, 0]
    if found.dtype.kind != "f":
        return np.asarray(found != wanted)
    there = ~np.isnan(wanted)
    spread = np.std(wanted[there]) if there.any() else 0.0
    near = np.abs(found - wanted) <= NEAR * np.maximum(spread, np.abs(wanted))
    return np.asarray(np.where(there, ~near, ~np.isnan(found)))


def unsettled(encoder: TableEncoder) -> TableEncoder:
    """Return an encoder that decodes without enforcing relations, like a graph."""
    if encoder.rules is None:
        return encoder
    out = copy.copy(encoder)
    out.rules = _UnenforcedRules.__new__(_UnenforcedRules)
    vars(out.rules).update(vars(encoder.rules))
    return out


class _UnenforcedRules(RuleSet):
    """Relations that are not made to hold."""

    def settle(self, sheet: Sheet, rng: np.random.Generator) -> NDArray[np.bool_]:  # noqa: ARG002
        """Change nothing."""
        return np.zeros(len(sheet), dtype=bool)
