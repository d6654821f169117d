"""Conditional sampling of unobserved cells: importance sampling over latents, and particle filters.

A row's latents are candidates with weights. They come from the prior first. Where too few of them count, more follow,
proposed by the encoder for the row as it was filled so far, with their importance weights (the chain of Rezende et al.
2014, arXiv 1401.4082, appendix F, corrected as in Mattei & Frellsen 2018, arXiv 1802.04826, by weights instead of
Metropolis steps: population Monte Carlo, Cappe et al. 2004). The result is exact in the limit of many candidates.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Generator, Tensor

from gensynth.model import Batch, Observed
from gensynth.nn.categorical import draw
from gensynth.nn.tabular.decoder import Decoder

ENOUGH = 8.0
"""Effective sample size at which a row's resampling stops; the remaining bias is about its inverse."""

_MIN_ROWS = 128


class Propose(Protocol):
    """Proposal distribution of latents for partially observed rows."""

    def __call__(self, rows: Batch | None, n: int, c: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return latents (n * c, dim) and their log-weights (n * c,).

        Those of one row stand side by side. ``rows`` are the n rows as they were filled so far; None at first, and
        the latents come from the prior then, with weights of 1.
        """


def fill(decoder: Decoder, propose: Propose, observed: Observed, rng: Generator) -> Batch:
    """Sample the unobserved cells; observed ones are returned exactly.

    Rows take ``decoder.candidates`` latents at a time, more as fewer rows are left, until `ENOUGH` of them count or
    ``decoder.most_candidates`` were tried. Rounds are candidates too: of all, one is kept by their evidence.

    Parameters
    ----------
    decoder : Decoder
        p(row | z).
    propose : Propose
        Where latents come from.
    observed : Observed
        n rows.
    rng : Generator
        Source of randomness.
    """
    n = len(observed)
    device = observed.mask.device
    budget = decoder.candidates * max(n, _MIN_ROWS)
    waiting = torch.arange(n, device=device)
    rows: Batch | None = None
    total = squares = torch.empty(0)
    tried = 0
    while len(waiting):
        c = min(max(budget // len(waiting), decoder.candidates), decoder.most_candidates - tried)
        part = observed[waiting]
        z, log_weight = propose(None if rows is None else rows[waiting], len(waiting), c, rng)
        new = decoder.fill(part, z, log_weight, rng)
        evidence = new.log_evidence.double() + math.log(c)
        square = 2.0 * evidence - new.effective.double().log()
        if rows is None:
            kept = new.rows.numeric.clone(), new.rows.codes.clone()
            rows, total, squares = Batch(*kept, pixels=observed.rows.pixels), evidence, square
        else:
            now = torch.logaddexp(total[waiting], evidence)
            chance = torch.rand(len(waiting), generator=rng, device=device, dtype=evidence.dtype)
            taken = chance < torch.exp(evidence - now)
            rows.codes[waiting[taken]] = new.rows.codes[taken]
            rows.numeric[waiting[taken]] = new.rows.numeric[taken]
            total[waiting] = now
            squares[waiting] = torch.logaddexp(squares[waiting], square)
        tried += c
        if tried >= decoder.most_candidates:
            break
        effective = torch.exp(2.0 * total[waiting] - squares[waiting])
        waiting = waiting[effective < ENOUGH]
    return observed.rows if rows is None else rows


class Particles:
    """Particle filter: c weighted candidates for each of n rows, resampled if few have weight.

    Sequential Monte Carlo with systematic resampling (Doucet & Johansen 2011, "A tutorial on particle filtering and
    smoothing", section 3.5).

    Parameters
    ----------
    log_weight : Tensor of shape (n * c,)
        Weights to begin with.
    n : int
        Rows.
    """

    def __init__(self, log_weight: Tensor, n: int) -> None:
        self.log_weight = log_weight.view(n, -1)
        self.log_evidence = log_weight.new_zeros(n)
        self._spread = log_weight.new_zeros(n)  # sum of 1 / effective number over the resamplings
        self._first = torch.arange(n, device=log_weight.device).unsqueeze(1) * self.log_weight.shape[1]

    def weigh(self, gain: Tensor) -> None:
        """Multiply the weights by exp(gain) (n * c,)."""
        # an impossible cell leaves all candidates of its row equally bad, not NaN
        self.log_weight = self.log_weight + gain.clamp(min=-1e4).view_as(self.log_weight)

    def resample(self, rng: Generator) -> Tensor | None:
        """Resample; return the ancestor (n * c,) of each particle, or None if all stay."""
        effective = self._effective()
        c = self.log_weight.shape[1]
        few = effective < 0.5 * c
        if not bool(few.any()):
            return None
        start = torch.rand(len(few), 1, generator=rng, device=few.device, dtype=self.log_weight.dtype)
        points = (start + torch.arange(c, device=few.device)) / c
        heap = self.log_weight.softmax(-1).cumsum(-1)
        drawn = torch.searchsorted(heap, points * heap[:, -1:]).clamp(max=c - 1)
        self._absorb(few, effective)
        stay = torch.arange(c, device=few.device).expand_as(drawn)
        return (self._first + torch.where(few.unsqueeze(1), drawn, stay)).flatten()

    def choose(self, rng: Generator) -> Tensor:
        """Return one candidate (n,) of each row, drawn by weight."""
        chosen = draw(self.log_weight, rng)
        self._absorb(torch.ones_like(chosen, dtype=torch.bool), self._effective())
        return chosen + self._first.squeeze(1)

    @property
    def effective(self) -> Tensor:
        """Effective number of candidates (n,) over all that was resampled and chosen."""
        return 1.0 / self._spread

    def _effective(self) -> Tensor:
        return 1.0 / self.log_weight.softmax(-1).square().sum(-1)

    def _absorb(self, rows: Tensor, effective: Tensor) -> None:
        """Move the mean weight of these rows into the evidence."""
        c = self.log_weight.shape[1]
        mean = self.log_weight.logsumexp(-1) - math.log(c)
        self.log_evidence = self.log_evidence + torch.where(rows, mean, 0.0)
        self._spread = self._spread + torch.where(rows, 1.0 / effective, 0.0)
        self.log_weight = torch.where(rows.unsqueeze(1), 0.0, self.log_weight)
