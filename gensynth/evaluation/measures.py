"""Computation of the metrics, for synthetic rows, real rows and independent columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gensynth.errors import CapabilityError, DataError, OptionError
from gensynth.evaluation.catalogue import METRICS
from gensynth.evaluation.images import replaced
from gensynth.evaluation.relations import RelationChecks
from gensynth.evaluation.samples import Pair, Role, Samples
from gensynth.metrics import (
    copies,
    detection,
    memorisation,
    nearest_share,
    neighbours,
    utility,
    validity,
)
from gensynth.metrics.learned import is_regression
from gensynth.metrics.points import sampled
from gensynth.metrics.privacy import repeated
from gensynth.metrics.vectors import vectors

Found = dict[str, tuple[float, tuple[float, float] | None]]
"""Metric values by name, each with a confidence interval or None."""

ROLES: tuple[Role, ...] = ("value", "floor", "ceiling")

_N_SEEDS = 3
_LEFT_OUT = 0.1  # share of the training rows, other ones for each seed
_MAX_TRAINING = 50_000
_MAX_DETECTION = {"value": 20_000, "floor": 20_000, "ceiling": 5_000}
_MAX_MEASURED = 5000
_MAX_NUMBERS = 200_000_000  # pixels of real images that distances are computed to


@dataclass(frozen=True)
class Measure:
    """A group of metrics that are computed together.

    Parameters
    ----------
    names : tuple of str
        Their names.
    title : str
        What a progress bar says.
    compute : callable
        From samples and a role to the numbers.
    roles : tuple of str
        The roles that it can be computed for.
    """

    names: tuple[str, ...]
    title: str
    compute: Callable[[Samples, Role], Found]
    roles: tuple[Role, ...] = ROLES


def measures(
    samples: Samples, target: Any, relations: RelationChecks, plugins: Mapping[str, Callable[..., Any]]
) -> list[Measure]:
    """Return the applicable measures, the fastest first."""
    out = []
    if samples.has_scalars:
        names = ("category_coverage", "missingness_error", "range_validity", "type_validity")
        out += [
            Measure(names, "validity", _validity),
            Measure(("relation_validity",), "relations", _relations(relations)),
            Measure(("shape_error", "trend_error"), "columns and pairs", _fidelity),
        ]
    if samples.image is not None:
        out.append(Measure(("frechet_distance",), "images", _frechet))
    out += [
        Measure(("exact_copies",), "copies", _copies),
        Measure(("nearest_share",), "nearest rows", _nearest),
        Measure(("density", "coverage", "alpha_precision", "beta_recall"), "neighbourhoods", _neighbours),
    ]
    if samples.holdout is not None:
        out.append(Measure(("dcr_share", "nndr_share"), "memorisation", _memorisation))
    out += [Measure((name,), f"metric {name}", _plugin(name, function)) for name, function in plugins.items()]
    out.append(Measure(("detection_auc",), "detection", _detection))
    if target is not None:
        out.append(Measure(("tstr",), "models", _utility("tstr", target)))
        out.append(Measure(("real_and_synthetic",), "models", _utility("real_and_synthetic", target), ROLES[:2]))
    return out


def _fields(found: Any, *names: str) -> Found:
    return {name: (getattr(found, name), None) for name in names}


def _validity(samples: Samples, role: Role) -> Found:
    pair = samples.pair(role)
    names = ("category_coverage", "missingness_error", "range_validity", "type_validity")
    return _fields(validity(pair.real, pair.other), *names)


def _fidelity(samples: Samples, role: Role) -> Found:
    return _fields(samples.fidelity(role), "shape_error", "trend_error")


def _frechet(samples: Samples, role: Role) -> Found:
    """Compute the Frechet distance on equally many images in every role, as it depends on their number."""
    import torch

    from gensynth.nn.image.features import frechet_distance

    assert samples.image is not None
    name, pair = samples.image.name, samples.pair(role)
    n = min(
        len(frame) for one in (pair, samples.pair("value"), samples.pair("floor")) for frame in (one.real, one.other)
    )
    parts = [
        torch.from_numpy(vectors(sampled(frame[[name]], n, samples.random_state)[name]))
        for frame in (pair.real, pair.other)
    ]
    return {"frechet_distance": (float(frechet_distance(*parts)), None)}


def comparable_images(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return as many images of a table, in levels of their pixels, as distances can be computed of in little memory."""
    size = vectors(frame.iloc[:1, 0]).shape[1]
    return sampled(frame, max(_MAX_NUMBERS // size, 1), seed)


def _memorised(samples: Samples) -> Samples:
    """Return the data to test for memorisation: the images alone if there are any."""
    return samples if samples.image is None else samples.pictures


def _copies(samples: Samples, role: Role) -> Found:
    samples = _memorised(samples)
    if role == "floor" and samples.holdout is None:  # what a row of a table has in common with all others
        return {"exact_copies": (float(repeated(samples.real).mean()), None)}
    pair = samples.pair(role)
    return {"exact_copies": (float(copies(pair.real, pair.other).mean()), None)}


def _nearest(samples: Samples, role: Role) -> Found:
    samples = _memorised(samples)
    pair, seed = samples.pair(role), samples.random_state
    real = pair.real if samples.image is None else comparable_images(pair.real, seed)
    return {"nearest_share": (nearest_share(real, pair.other, random_state=seed), None)}


def _neighbours(samples: Samples, role: Role) -> Found:
    pair = samples.pair(role)
    found = neighbours(pair.real, pair.other, max_rows=_MAX_MEASURED, random_state=samples.random_state)
    return _fields(found, "density", "coverage", "alpha_precision", "beta_recall")


def _memorisation(samples: Samples, role: Role) -> Found:
    train, holdout, other = _memorised(samples).unseen(role)
    if samples.image is not None:
        train, holdout = (comparable_images(frame, samples.random_state) for frame in (train, holdout))
    found = memorisation(train, holdout, other, max_rows=_MAX_MEASURED, random_state=samples.random_state)
    share, reach = found.dcr_share, 1.96 * found.standard_error
    return {
        "dcr_share": (share, (max(share - reach, 0.0), min(share + reach, 1.0))),
        "nndr_share": (found.nndr_share, None),
    }


def _detection(samples: Samples, role: Role) -> Found:
    pair = samples.pair(role)
    found = detection(pair.real, pair.other, max_rows=_MAX_DETECTION[role], random_state=samples.random_state)
    return {"detection_auc": (found.auc, (found.low, found.high))}


def _relations(checks: RelationChecks) -> Callable[[Samples, Role], Found]:
    def compute(_: Samples, role: Role) -> Found:
        return {"relation_validity": (checks.kept(role).every, None)}

    return compute


def _utility(name: str, target: Any) -> Callable[[Samples, Role], Found]:
    def compute(samples: Samples, role: Role) -> Found:
        source = role if name == "tstr" else "both" if role == "value" else "alone"
        scores, regression = [], is_regression(samples.real[target])
        for seed in range(samples.random_state, samples.random_state + _N_SEEDS):
            train, test = samples.learned_from(source, seed)
            scores.append(utility(_some(train, seed), test, target, regression=regression, random_state=seed))
        mean, spread = float(np.mean(scores)), float(np.std(scores))
        return {name: (mean, (mean - spread, mean + spread))}

    return compute


def _some(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return a random 90 % of the rows, as gradient boosting itself has no seed-dependent randomness."""
    n = min(len(frame) - int(_LEFT_OUT * len(frame)), _MAX_TRAINING)
    return frame.sample(n, random_state=seed)


def _plugin(name: str, function: Callable[..., Any]) -> Callable[[Samples, Role], Found]:
    def compute(samples: Samples, role: Role) -> Found:
        pair = samples.pair(role)
        image = samples.image
        if image is not None:  # what they are told of are images, not features of them
            shown = samples.pictures.pair(role)
            sides = ((pair.real, shown.real), (pair.other, shown.other))
            pair = Pair(*(replaced(one, image.name, seen[image.name]) for one, seen in sides))
        try:
            return {name: (float(function(pair.real, pair.other)), None)}
        except Exception as error:
            if image is not None:
                told = f"{type(error).__name__}: {error}"
                raise CapabilityError(f"the metric of a plugin does not take images ({told})") from error
            raise DataError(
                f"the metric {name!r} of a plugin failed with {type(error).__name__}: {error}; report this to its "
                "authors, or leave the metric out"
            ) from error

    return compute


def chosen(available: list[Measure], wanted: str) -> Measure:
    """Return the measure of one metric, for that alone.

    Raises
    ------
    OptionError
        There is no such metric, or not of these tables.
    """
    for measure in available:
        if wanted in measure.names:
            return measure
    names = ", ".join(name for measure in available for name in measure.names)
    needs = {"dcr_share": "held-out rows", "nndr_share": "held-out rows"} | dict.fromkeys(
        ("tstr", "real_and_synthetic"), "a target"
    )
    if wanted in needs:
        raise OptionError(f"the metric {wanted!r} needs {needs[wanted]}; without them there are: {names}")
    if wanted == "frechet_distance":
        raise OptionError(f"the metric {wanted!r} needs a column of images; without one there are: {names}")
    if wanted in METRICS:
        raise OptionError(f"the metric {wanted!r} needs columns beside the images; without them there are: {names}")
    raise OptionError(f"there is no metric {wanted!r}; there are: {names}")
