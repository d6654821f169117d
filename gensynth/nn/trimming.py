"""Trimmed means of row losses (trimmed likelihood): the worst rows are left out."""

from __future__ import annotations

import math

from torch import Tensor


def kept_rows(losses: Tensor, trim: float) -> Tensor:
    """Return the indices of the rows with the lowest losses, of each member its own.

    Parameters
    ----------
    losses : Tensor of shape (n,) or (members, n)
        Loss of each row.
    trim : float
        Fraction of the rows in [0, 1) that is left out; at least one row is kept.

    Returns
    -------
    Tensor of shape (n_kept,) or (members, n_kept), int64
        In ascending order of the losses.
    """
    return losses.topk(_n_kept(losses.shape[-1], trim), dim=-1, largest=False).indices


def trimmed_mean(losses: Tensor, trim: float = 0.0) -> Tensor:
    """Return the scalar that is minimised: the mean over members and over the rows that are kept.

    Parameters
    ----------
    losses : Tensor of shape (n,) or (members, n), or scalar
        Loss of each row; a scalar, the loss of a game, comes back as it is.
    trim : float
        Fraction of the worst rows in [0, 1) that is left out.

    References
    ----------
    Neykov & Neytchev 1990, "A robust alternative of the maximum likelihood estimators".
    """
    if trim and losses.dim():
        losses = losses.topk(_n_kept(losses.shape[-1], trim), dim=-1, largest=False).values
    return losses.mean()


def _n_kept(n: int, trim: float) -> int:
    return max(1, math.ceil(n * (1.0 - trim)))
