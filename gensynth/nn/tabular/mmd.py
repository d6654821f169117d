"""Maximum mean discrepancy of two samples with a quadratic kernel, as a loss."""

from __future__ import annotations

from torch import Tensor


def squared_mmd(a: Tensor, b: Tensor, scale: float) -> Tensor:
    """Return the squared maximum mean discrepancy of ``a`` (n, width) and ``b`` (m, width), 0 in the mean if alike.

    Gretton et al. 2012, "A Kernel Two-Sample Test", JMLR 13, lemma 6 (the unbiased estimate), with the kernel
    (x . y / scale)^2, which compares all second moments: of one-hot codes the contingency tables of pairs of columns,
    of numbers their correlations. It costs n^2 width, never width^2.
    """
    return _alike(a, a, scale, own=True) + _alike(b, b, scale, own=True) - 2.0 * _alike(a, b, scale, own=False)


def _alike(a: Tensor, b: Tensor, scale: float, *, own: bool) -> Tensor:
    """Return the mean kernel of all pairs; of two different rows if both are the ``own`` rows of one sample."""
    kernel = (a @ b.T / scale).square()
    if not own:
        return kernel.mean()
    n = len(a)
    return (kernel.sum() - kernel.diagonal().sum()) / max(n * (n - 1), 1)
