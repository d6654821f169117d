"""Catalogue of the metrics: name, best value and meaning of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Best = Literal["low", "high", "half", "real"]

MEMORISATION = "Memorisation check, not privacy"
OF_PLUGINS = "Metrics of plugins"
"""Heading of the metrics that plugins register."""


@dataclass(frozen=True)
class Metric:
    """A metric as it is shown.

    Parameters
    ----------
    name : str
        Name for options and look-up.
    title : str
        Title in tables and pages.
    best : {"low", "high", "half", "real"}
        The best value: 0; as high as possible; 0.5; or the value of real rows.
    says : str
        Meaning of the metric, in a sentence.
    """

    name: str
    title: str
    best: Best
    says: str


CATALOGUE: dict[str, tuple[Metric, ...]] = {
    "Likeness": (
        Metric("shape_error", "Single columns", "low", "Mean distance between the distributions of each column."),
        Metric("trend_error", "Pairs of columns", "low", "Mean error of correlations and contingency tables."),
        Metric(
            "detection_auc",
            "Detection",
            "half",
            "Area under the ROC curve of gradient boosting as a classifier of synthetic against real rows. Clearly "
            "below 0.5 is not better: it means copies.",
        ),
        Metric(
            "frechet_distance",
            "Images",
            "low",
            "Frechet distance of random convolutional features: distance of their mean and covariance from those of "
            "real images.",
        ),
        Metric("density", "Density", "real", "Density of synthetic rows in the neighbourhoods of real ones."),
        Metric("coverage", "Coverage", "real", "Share of the real rows with a synthetic row in their neighbourhood."),
        Metric("alpha_precision", "Alpha-precision", "real", "Whether synthetic rows are as typical as real ones."),
        Metric("beta_recall", "Beta-recall", "real", "How many real rows have a synthetic one nearer than a real one."),
    ),
    "Usefulness": (
        Metric(
            "tstr",
            "Trained on synthetic rows",
            "real",
            "Score on real rows of gradient boosting (a linear model for images) trained on synthetic rows (TSTR); the "
            "floor is trained on real ones (TRTR).",
        ),
        Metric("real_and_synthetic", "Trained on both", "real", "The same, trained on real and synthetic rows."),
    ),
    "Validity": (
        Metric("category_coverage", "Categories", "real", "Share of the real values of a column that occur."),
        Metric("missingness_error", "Missing cells", "low", "Mean difference between the shares of missing cells."),
        Metric("range_validity", "Ranges", "high", "Share of the numbers and dates within the real range."),
        Metric("type_validity", "Types", "high", "Share of the cells that are valid values of the real column."),
        Metric("relation_validity", "Relations", "high", "Share of the rows that keep every relation found."),
    ),
    MEMORISATION: (
        Metric("exact_copies", "Exact copies", "real", "Share of the synthetic rows that equal a real row."),
        Metric(
            "dcr_share", "Nearer to training rows", "half", "Share nearer to a training row than to a held-out one."
        ),
        Metric(
            "nndr_share",
            "Singled out",
            "half",
            "Share whose nearest-neighbour distance ratio is smaller among training than among held-out rows.",
        ),
        Metric(
            "nearest_share",
            "Nearest real row",
            "half",
            "How often the nearest real row is nearer to a synthetic row than to another real row.",
        ),
    ),
}
"""The metrics by group, in display order."""

METRICS = {metric.name: metric for group in CATALOGUE.values() for metric in group}


def described(name: str) -> Metric:
    """Return the metric of a name; one of a plugin is named as it is."""
    return METRICS.get(name) or Metric(name, name, "real", "Registered by a plugin.")
