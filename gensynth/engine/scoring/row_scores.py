"""Scores of encoded rows by a trained model, in blocks; a row's score is independent of other rows."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gensynth.encoding.rows import Rows
from gensynth.engine.tensors import block_size, place_of, to_batch
from gensynth.errors import PluginError
from gensynth.model import Batch, GenerativeModel

BITS = 32
"""Significant bits to which scores are rounded (over 9 digits), so that the order of summation does not show."""
LEAST = 2.0**-10
"""Scores below this are rounded to the same absolute precision as this one."""
CLOSE = 2.0**-10
"""Distance from a rounding boundary, in rounding steps, within which a row is scored again on its own."""

IMAGES = 64
"""Images per scored batch, padded if there are fewer: results must not depend on their number."""

Floats = NDArray[np.float64]


def make_scorer(model: GenerativeModel) -> GenerativeModel:
    """Return a float64 copy in eval mode for scoring; float32 scores would depend on the batch size.

    Where there are images it is float32, unless the model is float64, and scores blocks of one size: float64
    convolutions take five times as long.
    """
    device, dtype = place_of(model)
    scorer = copy.deepcopy(model).to("cpu" if device.type == "mps" else device)
    exact = model.layout.image is None or dtype == torch.float64
    return (scorer.double() if exact else scorer.float()).eval()


def score_blocks(scorer: GenerativeModel, rows: Rows) -> Iterator[tuple[slice, Batch]]:
    """Yield the rows in blocks for scoring, with their positions.

    Where there are images all blocks have one size: the last one is filled up with repeated rows, and what is computed
    of those is to be cut off.
    """
    device, dtype = place_of(scorer)
    # on a CPU larger blocks leave the cache, and their memory is mapped anew each time: half the speed
    size = block_size(scorer.layout, 256 if device.type == "cpu" else 4096)
    if scorer.layout.image is not None:
        size = min(size, IMAGES)
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        block = rows[part]
        if scorer.layout.image is not None and len(block) < size:
            block = block[np.arange(size) % len(block)]
        yield part, to_batch(block, dtype).to(device)


@torch.no_grad()
def member_scores(scorer: GenerativeModel, rows: Rows, method: str) -> Floats:
    """Return (members, n) scores of ``rows`` (with their ``log_jacobian``), higher = more normal.

    Parameters
    ----------
    scorer : GenerativeModel
        From `make_scorer`; one without a members axis is one member.
    rows : Rows
        Encoded rows.
    method : str
        One of its score methods.

    Raises
    ------
    PluginError
        A score is not finite.
    """
    parts = [by_member(scorer.score(batch, method).rows, 1) for _, batch in score_blocks(scorer, rows)]
    scores = np.concatenate([part.double().cpu().numpy() for part in parts], axis=1)[:, : len(rows)]
    bad = ~np.isfinite(scores)
    if bad.any():
        row = int(np.argmax(bad.any(0)))
        value = scores[int(np.argmax(bad[:, row])), row]
        raise PluginError(
            f"{type(scorer).__name__} gives row {row} the score {value:g}, and {int(bad.any(0).sum())} of {len(rows)} "
            "rows one that is not finite; no label can be told from it: report this to the model's authors, or use "
            "another model or score method"
        )
    return scores


def by_member(values: Tensor, n_axes: int) -> Tensor:
    """Return values with ``n_axes`` axes with one axis more in front, of members, if they have none."""
    return values.unsqueeze(0) if values.dim() == n_axes else values


def reproducible_scores(score: Callable[[Rows], Floats], rows: Rows, magnitude: float = LEAST) -> Floats:
    """Return (n,) scores by a function of rows, bit-identical for a row in any batch.

    Matrix products round a row differently at another place among other rows, so that scores are rounded to `BITS`.
    The few that lie where that difference might decide between two numbers are those of the row on its own.
    ``magnitude`` is that of what the scores are differences of: their bits are counted from there, if they are less.
    """
    scores = score(rows)
    steps = scores / _unit(scores, magnitude)
    for at in np.flatnonzero(np.abs(steps - np.floor(steps) - 0.5) < CLOSE).tolist():
        scores[at] = score(rows[at : at + 1])[0]
    unit = _unit(scores, magnitude)
    return np.rint(scores / unit) * unit + 0.0


def _unit(scores: Floats, magnitude: float) -> Floats:
    """Return what the last of `BITS` significant bits counts, at least that of the magnitude."""
    exponents = np.frexp(np.maximum(np.abs(scores), magnitude))[1]
    return np.asarray(np.ldexp(1.0, exponents - BITS), dtype=np.float64)
