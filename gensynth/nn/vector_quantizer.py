"""Vector quantisation: sampled code-book entries (SQ-VAE), or the nearest ones (VQ-VAE)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from gensynth.nn import ranks

USAGE_DECAY = 0.98
"""Decay of the moving average of each entry's usage."""
UNUSED = 0.1
"""Fraction of uniform usage below which an entry counts as unused."""
COMMITMENT = 0.25
"""Weight of the commitment loss (van den Oord et al. 2017, beta in equation 3)."""


class Quantized(NamedTuple):
    """Quantised vectors: entries, codes and probabilities."""

    entries: Tensor
    """(n, groups, dim), with a gradient to the vectors."""
    log_q: Tensor
    """(groups, n, n_codes): log-probability of each entry to be taken."""
    cost: Tensor
    """(n,): what joins a row's loss."""


class Quantizer(nn.Module, ABC):
    """Base of quantisers: code books, and the choice of an entry for a vector.

    Unused entries get no gradient; they are reinitialised with the vectors of random rows (Dhariwal et al. 2020,
    "Jukebox", arXiv 2005.00341, section 3).

    Parameters
    ----------
    books, n_codes, dim : int
        Code books, entries of each, and width of an entry.
    groups : int
        Vectors per row: one for each book, or positions that share one book.
    """

    usage: Tensor

    def __init__(self, books: int, n_codes: int, dim: int, groups: int) -> None:
        super().__init__()
        self.groups, self.n_codes, self.dim = groups, n_codes, dim
        self.book = nn.Parameter(torch.randn(books, n_codes, dim))
        self.register_buffer("usage", torch.full((books, n_codes), 1.0 / n_codes))

    @abstractmethod
    def log_probability(self, vectors: Tensor) -> Tensor:
        """Return (groups, n, n_codes): log q(code | vector) for ``vectors`` (n, groups, dim)."""

    @abstractmethod
    def forward(self, vectors: Tensor, rng: Generator, log_q: Tensor | None = None) -> Quantized:
        """Quantise vectors (n, groups, dim); ``log_q`` is their `log_probability`, if known."""

    @property
    def books(self) -> Tensor:
        """The code book of each group (groups, n_codes, dim)."""
        return self.book.expand(self.groups, -1, -1)

    def distances(self, vectors: Tensor) -> Tensor:
        """Return (groups, n, n_codes): |v - e|^2 without |v|^2, which is the same for every entry."""
        distance = self.book.square().sum(-1).unsqueeze(1)
        return distance - 2.0 * torch.bmm(vectors.transpose(0, 1), self.books.transpose(1, 2))

    def nearest(self, vectors: Tensor) -> Tensor:
        """Return (n, groups) indices of the nearest entries."""
        return self.distances(vectors).argmin(-1).t()

    def look_up(self, codes: Tensor) -> Tensor:
        """Return (n, groups, dim): the entries of ``codes`` (n, groups)."""
        return self.books[torch.arange(self.groups, device=codes.device), codes]

    @torch.no_grad()
    def restart(self, vectors: Tensor, log_q: Tensor, rng: Generator) -> bool:
        """Move unused entries to vectors of random rows; return whether there were any.

        Data-parallel processes count the use over the whole batch, and move entries to the same vectors.

        ``log_q`` (groups, n, n_codes) is that of ``vectors`` (n, groups, dim), rows of a training step.
        """
        used = log_q.exp().mean(1)
        shared = len(self.book) < self.groups
        self.usage.lerp_(ranks.mean(used.mean(0, keepdim=True) if shared else used), 1.0 - USAGE_DECAY)
        even = 1.0 / self.usage.shape[1]
        unused = self.usage < UNUSED * even
        if not bool(unused.any()):
            return False
        group, _ = where = unused.nonzero(as_tuple=True)
        row = torch.randint(len(vectors), group.shape, generator=rng, device=vectors.device)
        if shared:
            group = torch.randint(self.groups, group.shape, generator=rng, device=vectors.device)
        new = vectors[row, group]
        ranks.take_from_first([new])
        self.book[where] = new
        self.usage[where] = even
        return True


class StochasticQuantizer(Quantizer):
    """Samples an entry of each code book: q(k | v) ~ exp(-|v - e_k|^2 / (2 s^2)).

    Each book learns its s together with its entries, by gradients through a relaxation (Gumbel-softmax: Jang et al.
    2017, arXiv 1611.01144); as s goes to 0 this becomes the nearest entry. Sampled entries carry no detail that the
    prior over codes could only memorise.

    Parameters
    ----------
    groups : int
        Vectors per row, each with a code book of its own.
    n_codes : int
        Entries of a code book.
    dim : int
        Width of a vector.
    temperature : float
        Temperature of the relaxation.

    References
    ----------
    Takida et al. 2022, "SQ-VAE: Variational Bayes on discrete representation with self-annealed stochastic
    quantization" (arXiv 2205.07547), equations 5 and 6.
    """

    def __init__(self, groups: int, n_codes: int, dim: int, temperature: float = 0.5) -> None:
        super().__init__(groups, n_codes, dim, groups)
        self.temperature = temperature
        self.log_precision = nn.Parameter(torch.ones(groups, 1, 1))

    def log_probability(self, vectors: Tensor) -> Tensor:
        """Return (groups, n, n_codes): log q(code | vector) for ``vectors`` (n, groups, dim)."""
        return (-0.5 * self.log_precision.exp() * self.distances(vectors)).log_softmax(-1)

    def forward(self, vectors: Tensor, rng: Generator, log_q: Tensor | None = None) -> Quantized:
        """Draw an entry of each book for vectors (n, groups, dim)."""
        log_q = self.log_probability(vectors) if log_q is None else log_q
        uniform = torch.rand(log_q.shape, generator=rng, device=log_q.device, dtype=log_q.dtype)
        gumbel = -(-uniform.clamp(1e-9, 1.0 - 1e-7).log()).log()
        relaxed = ((log_q + gumbel) / self.temperature).softmax(-1)
        hard = nn.functional.one_hot(relaxed.argmax(-1), relaxed.shape[-1]).to(relaxed.dtype)
        entries = torch.bmm(hard - relaxed.detach() + relaxed, self.books).transpose(0, 1)
        return Quantized(entries, log_q, log_q.new_zeros(len(vectors)))


class NearestQuantizer(Quantizer):
    """Selects the nearest entry; the positions of an image share one code book.

    Straight-through gradients for the vectors; further loss terms move entries to their vectors, and keep vectors near
    their entries (commitment).

    Parameters
    ----------
    groups : int
        Vectors per row.
    n_codes : int
        Entries of the code book.
    dim : int
        Width of a vector.

    References
    ----------
    van den Oord et al. 2017, "Neural discrete representation learning" (arXiv 1711.00937), equations 2 and 3.
    """

    def __init__(self, groups: int, n_codes: int, dim: int) -> None:
        super().__init__(1, n_codes, dim, groups)

    def log_probability(self, vectors: Tensor) -> Tensor:
        """Return (groups, n, n_codes): 0 for the nearest entry, next to minus infinity for the others."""
        nearest = self.distances(vectors).argmin(-1, keepdim=True) == torch.arange(self.n_codes, device=vectors.device)
        return (nearest.to(vectors.dtype) - 1.0) * 1e4

    def forward(
        self,
        vectors: Tensor,
        rng: Generator,  # noqa: ARG002 - the interface has it
        log_q: Tensor | None = None,
    ) -> Quantized:
        """Take the nearest entry for each of the vectors (n, groups, dim)."""
        log_q = self.log_probability(vectors) if log_q is None else log_q
        entries = self.look_up(log_q.argmax(-1).t())
        moved, kept = (entries - vectors.detach()).square(), (vectors - entries.detach()).square()
        cost = (moved + COMMITMENT * kept).sum((1, 2))
        return Quantized(vectors + (entries - vectors).detach(), log_q, cost)
