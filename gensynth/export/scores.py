"""Scores and anomaly maps of encoded rows as functions of tensors: `Ensemble` and `DetectorScorer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gensynth.encoding.rows import Rows
from gensynth.engine.scoring.attributions import attributions_of
from gensynth.engine.scoring.detector_score import DetectorScorer
from gensynth.engine.scoring.ensemble import Ensemble, RowScorer
from gensynth.engine.scoring.row_scores import by_member
from gensynth.engine.tensors import place_of
from gensynth.errors import CapabilityError
from gensynth.export.cells import table
from gensynth.export.tails import combined_score
from gensynth.model import Batch, Score

Found = Mapping[str, Sequence[Score]]
"""Scores of a batch by score method: one `Score` per model of the ensemble."""


def row_scores(scorer: RowScorer, batch: Batch) -> Tensor:
    """Return the scores (n,) of encoded rows, as `RowScorer.score` gives them but for its rounding."""
    if isinstance(scorer, DetectorScorer):
        density = None if scorer.density is None else row_scores(scorer.density.scorer, batch)
        return combined_score(scorer, row_scores(scorer.ensemble, batch), density)
    assert isinstance(scorer, Ensemble)
    return _ensemble_score(scorer, _asked(scorer, batch))


def has_map(scorer: RowScorer) -> bool:
    """Return whether a scorer has anomaly maps."""
    layout = scorer.encoder.layout
    if layout.image is None:
        return False
    try:
        scorer.maps(Rows.zeros(1, layout, jacobian=True))
    except CapabilityError:
        return False
    return True


def scores_and_maps(scorer: RowScorer, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return the scores (n,) of encoded rows, and the contribution of each pixel to minus them (n, height, width)."""
    if isinstance(scorer, Ensemble):
        found = _asked(scorer, batch, attribute=True)
        return _ensemble_score(scorer, found), _ensemble_map(scorer, batch, found)
    assert isinstance(scorer, DetectorScorer)
    assert scorer.density is None  # detectors of images train none
    found, ensemble, profile = _asked(scorer.ensemble, batch, attribute=True), scorer.ensemble, scorer.profile
    scores = combined_score(scorer, _ensemble_score(ensemble, found), None)
    by_column = _shares(_ensemble_attributions(ensemble, batch, found) - table(profile.usual))
    maps = _ensemble_map(ensemble, batch, found)
    above = maps if profile.usual_map is None else maps - table(profile.usual_map)
    places = _shares(above.flatten(1)).view(maps.shape)
    return scores, (-scores * by_column[:, -1]).view(-1, 1, 1) * places


def _asked(ensemble: Ensemble, batch: Batch, *, attribute: bool = False) -> Found:
    batch = batch.to("cpu", place_of(ensemble.models[0].scorer)[1])
    return {
        method: [model.scorer.score(batch, method, attribute=attribute) for model in ensemble.models]
        for method in ensemble.weights
    }


def _ensemble_score(ensemble: Ensemble, found: Found) -> Tensor:
    total: Any = 0.0
    for method, weight in ensemble.weights.items():
        scores = _members([by_member(score.rows, 1) for score in found[method]])
        if ensemble.scaling is not None:
            median, iqr = _units(ensemble, method, 2)
            scores = (scores - median) / iqr
        total = total + weight * scores.mean(0)
    return total  # type: ignore[no-any-return]


def _ensemble_attributions(ensemble: Ensemble, batch: Batch, found: Found) -> Tensor:
    """Return `Ensemble.attributions` (n, k)."""
    total: Any = 0.0
    for method, weight in ensemble.weights.items():
        own = _own_attributions(ensemble, batch, method, found)
        median, iqr = _units(ensemble, method, 3)
        total = total + weight * ((own + median / own.shape[2]) / iqr).mean(0)
    return total  # type: ignore[no-any-return]


def _ensemble_map(ensemble: Ensemble, batch: Batch, found: Found) -> Tensor:
    """Return `Ensemble.maps` (n, height, width)."""
    layout, image = ensemble.encoder.layout, ensemble.encoder.layout.image
    assert image is not None
    places, parts = image.height * image.width, len(layout.columns) + 1
    total: Any = 0.0
    for method, weight in ensemble.weights.items():
        known = [by_member(score.pixels, 3) for score in found[method] if score.pixels is not None]
        if known:
            own = _members(known)
        else:  # what cannot tell places apart is divided evenly
            whole = _own_attributions(ensemble, batch, method, found)[..., -1:, None]
            own = (whole / places).expand(*whole.shape[:2], image.height, image.width)
        median, iqr = _units(ensemble, method, 4)
        total = total + weight * ((own + median / (parts * places)) / iqr).mean(0)
    return total  # type: ignore[no-any-return]


def _own_attributions(ensemble: Ensemble, batch: Batch, method: str, found: Found) -> Tensor:
    """Return (members, n, k): the contribution of each column, and the image, to minus the scores by one method."""
    batch = batch.to("cpu", place_of(ensemble.models[0].scorer)[1])
    models = zip(ensemble.models, found[method], strict=True)
    return _members([attributions_of(model.scorer, batch, method, score) for model, score in models])


def _members(parts: Sequence[Tensor]) -> Tensor:
    """Return what the members of all models say (members, ...), in float64."""
    return (torch.cat(list(parts)) if len(parts) > 1 else parts[0]).double()


def _units(ensemble: Ensemble, method: str, n_axes: int) -> tuple[Tensor, Tensor]:
    """Return median and interquartile range of the members' scores, with ``n_axes`` axes."""
    if ensemble.scaling is None:
        return torch.zeros((1,) * n_axes, dtype=torch.float64), torch.ones((1,) * n_axes, dtype=torch.float64)
    found: list[NDArray[np.float64]] = [ensemble.scaling.score_median[method], ensemble.scaling.score_iqr[method]]
    median, iqr = (table(own).view(-1, *(1,) * (n_axes - 1)) for own in found)
    return median, iqr


def _shares(above: Tensor) -> Tensor:
    """Return (n, k), rows summing to 1: shares of the positive part, equal ones if nothing is positive."""
    above = above.clamp(min=0.0)
    total = above.sum(1, keepdim=True)
    return torch.where(total > 0, above / torch.where(total > 0, total, 1.0), 1.0 / above.shape[1])
