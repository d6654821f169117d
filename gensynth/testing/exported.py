"""Check of the contract suite that a model can be exported to ONNX."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from gensynth.engine.scoring.row_scores import by_member, make_scorer
from gensynth.export.compile import compiled
from gensynth.export.program import GraphError
from gensynth.export.recording import Function
from gensynth.export.runtime import Session
from gensynth.model import Batch
from gensynth.nn.noise import Noise, noise_widths, rows_from_noise
from gensynth.testing.trained import SEED, Trained, require, rows_to_score

CASES = ("mixed", "conditional", "images")
"""Cases that represent all others: those use the same operations."""
N_ROWS = 40


def check_export(trained: Trained) -> None:
    """Scores by the default method, maps of them, and samples as functions of noise are the same on an ONNX graph.

    A model that is no graph, as it decides by values or uses what is not translated, is not checked: an export says so.
    """
    if trained.case.name not in CASES:
        return
    if "score" in trained.recipe.able:
        _check_scores(trained)
    if "sample" in trained.recipe.able:
        _check_samples(trained)


def _session(function: Function, inputs: Sequence[Tensor]) -> Session | None:
    """Return the graph of a function of rows; None where it is none."""
    try:
        model = compiled(function, inputs)
    except GraphError:
        return None
    return Session(model)


def _check_scores(trained: Trained) -> None:
    model = make_scorer(trained.model)  # in float32 where there are images, else in float64
    exact = trained.case.layout.image is None
    rows = rows_to_score(trained.case)[:N_ROWS].to("cpu", torch.float64 if exact else torch.float32)
    assert rows.log_jacobian is not None

    def score(numeric: Tensor, codes: Tensor, jacobian: Tensor, pixels: Tensor | None = None) -> Sequence[Tensor]:
        found = model.score(Batch(numeric, codes, jacobian, pixels), attribute=pixels is not None)
        maps = [] if found.pixels is None else [by_member(found.pixels, 3).mean(0)]
        return [by_member(found.rows, 1).mean(0), *maps]

    inputs = [rows.numeric, rows.codes, rows.log_jacobian, *([] if rows.pixels is None else [rows.pixels])]
    with torch.no_grad():
        wanted = score(*inputs)
    if (session := _session(score, inputs)) is None:
        return
    for n in (N_ROWS, 1):
        found = session.run({f"x{i}": one[:n].numpy() for i, one in enumerate(inputs)})
        for i, (what, own) in enumerate(zip(("scores", "maps"), wanted, strict=False)):
            part = own[:n].numpy()
            far = 1e-8 if exact else 1e-4 * float(np.abs(part).max())
            near = np.allclose(found[f"y{i}"], part, rtol=1e-5, atol=far)
            require(near, f"{what} differ on an ONNX graph: {found[f'y{i}'].flat[:3]} and {own.flatten()[:3].tolist()}")


def _check_samples(trained: Trained) -> None:
    model = trained.model
    noise = noise_widths(model).draw(N_ROWS, Generator().manual_seed(SEED))

    def sample(uniform: Tensor, normal: Tensor) -> Sequence[Tensor]:
        rows = rows_from_noise(model, Noise(uniform, normal))
        return rows.codes, rows.numeric if rows.pixels is None else torch.cat([rows.numeric, rows.pixels.flatten(1)], 1)

    with torch.no_grad():
        codes, numeric = sample(*noise)
    if (session := _session(sample, noise)) is None:
        return
    found = session.run({f"x{i}": one.numpy() for i, one in enumerate(noise)})
    cells = codes.numpy()
    flips = int((found["y0"] != cells).sum())
    # a draw that falls on a threshold may round the other way
    require(flips <= 1, f"{flips} of {cells.size} sampled cells differ on an ONNX graph")
    if not flips:
        near = np.allclose(found["y1"], numeric.numpy(), rtol=1e-3, atol=1e-3)
        require(near, "sampled numbers, or pixels, differ on an ONNX graph")
