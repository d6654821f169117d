"""Models that sample columns before the latents: sampling, and columns given latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Generator, Tensor

from gensynth.model import Batch, Observed
from gensynth.nn.categorical import draw
from gensynth.nn.networks import RowDecoder

CANDIDATES = 64
"""Candidate rows of columns, one of which is resampled for given latents."""

LogLikelihood = Callable[[Tensor, Batch], Tensor]
"""A function from latents (1, n, dim) and rows to the log-likelihood (1, n) of the columns and other known cells."""


def draw_columns(columns: RowDecoder, n: int, rng: Generator, observed: Observed | None = None) -> Batch:
    """Sample the columns of n rows; observed cells are returned exactly, the others sampled given them.

    Parameters
    ----------
    columns : RowDecoder
        p(columns), a decoder at latents of width 0.
    n : int
        Number of rows.
    rng : Generator
        Source of randomness.
    observed : Observed or None
        Cells that are known, of n rows.
    """
    like = next(columns.parameters())

    def none(rows: Batch | None, n: int, c: int, rng: Generator) -> tuple[Tensor, Tensor]:  # noqa: ARG001 - `Propose`
        return like.new_zeros(n * c, 0), like.new_zeros(n * c)

    if observed is None:
        return columns.sample(like.new_zeros(1, n, 0), rng)
    return columns.impute(none, observed, rng)


def columns_of(
    columns: RowDecoder,
    log_likelihood: LogLikelihood,
    latents: Tensor,
    rng: Generator,
    observed: Observed | None = None,
) -> Batch:
    """Sample columns given latents (1, n, dim), by Bayes' rule: p(columns) p(latents | columns).

    One of `CANDIDATES` draws from p(columns) is taken by what it makes of the latents; exact in the limit of many.
    What ``observed`` holds beside cells (images) goes with the candidates.
    """
    n = latents.shape[1]
    each = torch.arange(n, device=latents.device).repeat_interleave(CANDIDATES)
    many = draw_columns(columns, len(each), rng, None if observed is None else observed[each])
    if observed is not None and observed.rows.pixels is not None:
        many = replace(many, pixels=observed.rows.pixels.index_select(0, each))
    weight = log_likelihood(latents.index_select(1, each), many).view(n, CANDIDATES)
    return many[torch.arange(n, device=latents.device) * CANDIDATES + draw(weight, rng)]
