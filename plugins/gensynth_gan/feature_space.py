"""Mahalanobis distance in the space of a critic's features."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gensynth.nn.trimming import kept_rows


class FeatureSpace(nn.Module):
    """Mahalanobis metric of every member's critic features, fitted to the training rows.

    The squared Mahalanobis distance of a critic's features (Lee et al. 2018, arXiv 1807.03888, eq. 2, with one class),
    with ``ridge`` times the mean variance added to every variance: features are many and nearly dependent.

    Parameters
    ----------
    members, width : int
        Number of critics, and of features of each.
    ridge : float
        Regularisation of the covariance, > 0; a small one gives weight to directions of low variance, with a large one
        the distance is nearly Euclidean.
    """

    center: Tensor
    whitening: Tensor

    def __init__(self, members: int, width: int, ridge: float) -> None:
        super().__init__()
        self.ridge = ridge
        self.register_buffer("center", torch.zeros(members, 1, width))
        self.register_buffer("whitening", torch.eye(width).repeat(members, 1, 1))

    def fit(self, features: Tensor, trim: float) -> None:
        """Fit to features (members, n, width) of training rows; then again without the fraction ``trim`` farthest out.

        The second fit is the concentration step of FAST-MCD (Rousseeuw & Van Driessen 1999).
        """
        self._measure(list(features))
        if trim:
            near = kept_rows(self.distance(features), trim)
            self._measure([f[rows] for f, rows in zip(features, near, strict=True)])

    def distance(self, a: Tensor, b: Tensor | None = None) -> Tensor:
        """Return (members, n): squared distance of features (members, n, width) from others, or from the mean."""
        return torch.bmm(a - (self.center if b is None else b), self.whitening).square().sum(-1)

    def _measure(self, features: Sequence[Tensor]) -> None:
        for member, rows in enumerate(features):
            rows = rows.cpu().double()  # not every accelerator has a decomposition in double precision
            center = rows.mean(0)
            variances, axes = torch.linalg.eigh((rows - center).T @ (rows - center) / len(rows))
            variances = variances.clamp(min=0.0) + self.ridge * variances.mean() + 1e-12
            self.center[member] = center.to(self.center)
            self.whitening[member] = (axes / variances.sqrt()).to(self.center)
