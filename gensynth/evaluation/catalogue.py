"""Catalogue of the metrics: name, best value and meaning of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Best = Literal["low", "high", "half", "real"]

MEMORISATION = "Memorisation check, not privacy"
OF_PLUGINS = "Metrics of plugins"
"""What the metrics that plugins register stand under."""


@dataclass(frozen=True)
class Metric:
    """A metric as it is shown.

    Parameters
    ----------
    name : str
        What it is asked for by.
    title : str
        What people read.
    best : {"low", "high", "half", "real"}
        The best value: 0; as high as can be; 0.5; or what real rows have.
    says : str
        What the number says, in a sentence.
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
            "Area under the ROC curve of gradient boosting that tells synthetic rows from real ones. Clearly below 0.5 "
            "is not better: it means copies.",
        ),
        Metric(
            "frechet_distance",
            "Images",
            "low",
            "Frechet distance of features of the images by random convolutions: how far their mean and their variances "
            "are from those of real images.",
        ),
        Metric("density", "Density", "real", "How crowded synthetic rows lie among real ones."),
        Metric("coverage", "Coverage", "real", "Share of the real rows with a synthetic row in their neighbourhood."),
        Metric("alpha_precision", "Alpha-precision", "real", "Whether synthetic rows are as typical as real ones."),
        Metric("beta_recall", "Beta-recall", "real", "How many real rows have a synthetic one nearer than a real one."),
    ),
    "Usefulness": (
        Metric(
            "tstr",
            "Trained on synthetic rows",
            "real",
            "Score on real rows of gradient boosting, or of a linear model where they are images, that learned from "
            "synthetic ones (TSTR); the floor learned from real ones (TRTR).",
        ),
        Metric("real_and_synthetic", "Trained on both", "real", "The same, learned from real and synthetic rows."),
    ),
    "Validity": (
        Metric("category_coverage", "Categories", "real", "Share of the real values of a column that occur."),
        Metric("missingness_error", "Missing cells", "low", "Mean difference between the shares of missing cells."),
        Metric("range_validity", "Ranges", "high", "Share of the numbers and dates within the real range."),
        Metric("type_validity", "Types", "high", "Share of the cells that the real column could hold."),
        Metric("relation_validity", "Relations", "high", "Share of the rows that keep every relation found."),
    ),
    MEMORISATION: (
        Metric("exact_copies", "Exact copies", "real", "Share of the synthetic rows that equal a real row."),
        Metric("dcr_share", "Nearer to training rows", "half", "Share nearer to a real row than to a held-out one."),
        Metric(
            "nndr_share", "Singled out", "half", "Share that singles out one row more among real than held-out rows."
        ),
        Metric(
            "nearest_share",
            "Nearest real row",
            "half",
            "How often a synthetic row has a nearer real row than a real row has beside itself.",
        ),
    ),
}
"""The metrics by what they are of, in the order in which they are shown."""

METRICS = {metric.name: metric for group in CATALOGUE.values() for metric in group}


def described(name: str) -> Metric:
    """Return the metric of a name; one of a plugin is named as it is."""
    return METRICS.get(name) or Metric(name, name, "real", "Registered by a plugin.")
