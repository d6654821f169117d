"""Vector quantization by entries that are drawn (SQ-VAE: Takida et al. 2022, arXiv 2205.07547)."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from gensynth.nn import ranks

USAGE_DECAY = 0.98
"""Of the running mean of how often each entry is drawn."""
UNUSED = 0.1
"""Part of an even share of the draws below which an entry counts as not used."""


class StochasticQuantizer(nn.Module):
    """Draws an entry of each code book, the nearer the likelier: q(k | v) ~ exp(-|v - e_k|^2 / (2 s^2)).

    Each book learns its s together with its entries, by gradients through relaxed draws (Gumbel-softmax: Jang et al.
    2017, arXiv 1611.01144); as s goes to 0 this becomes the nearest entry. Entries that are drawn, not looked up, carry
    no detail that the density over codes would have to learn by heart. Entries that hardly any row is drawn to get no
    gradient; they start again at the vectors of rows (Dhariwal et al. 2020, "Jukebox", arXiv 2005.00341, section 3).

    Parameters
    ----------
    groups : int
        Vectors a row, each with a code book of its own.
    n_codes : int
        Entries of a code book.
    dim : int
        Width of a vector.
    shared : bool
        Whether all groups, the places of an image say, have one code book.
    temperature : float
        Of the relaxed draws.

    References
    ----------
    Takida et al. 2022, "SQ-VAE: Variational Bayes on discrete representation with self-annealed stochastic
    quantization" (arXiv 2205.07547), equations 5 and 6.
    """

    usage: Tensor

    def __init__(
        self, groups: int, n_codes: int, dim: int, *, shared: bool = False, temperature: float = 0.5
    ) -> None:
        super().__init__()
        self.groups, self.n_codes, self.dim, self.temperature = groups, n_codes, dim, temperature
        self.book = nn.Parameter(torch.randn(1 if shared else groups, n_codes, dim))
        self.log_precision = nn.Parameter(torch.ones(1 if shared else groups, 1, 1))
        self.register_buffer("usage", torch.full((groups, n_codes), 1.0 / n_codes))

    @property
    def books(self) -> Tensor:
        """The code book of each group (groups, n_codes, dim)."""
        return self.book.expand(self.groups, -1, -1)

    def log_probability(self, vectors: Tensor) -> Tensor:
        """Return (groups, n, n_codes): log q(code | vector) for ``vectors`` (n, groups, dim)."""
        # |v - e|^2 without |v|^2, which is the same for every entry
        distance = self.book.square().sum(-1).unsqueeze(1)
        distance = distance - 2.0 * torch.bmm(vectors.transpose(0, 1), self.books.transpose(1, 2))
        return (-0.5 * self.log_precision.exp() * distance).log_softmax(-1)

    @torch.no_grad()
    def restart(self, vectors: Tensor, log_q: Tensor, rng: Generator) -> bool:
        """Move entries that are not used to vectors of random rows; return whether there were any.

        Processes that train together count the use in all parts of the batch, and move entries to the same vectors.

        ``log_q`` (groups, n, n_codes) is that of ``vectors`` (n, groups, dim), rows of a training step.
        """
        self.usage.lerp_(ranks.mean(log_q.exp().mean(1)), 1.0 - USAGE_DECAY)
        even = 1.0 / self.usage.shape[1]
        unused = self.usage < UNUSED * even
        if not bool(unused.any()):
            return False
        group, _ = where = unused.nonzero(as_tuple=True)
        row = torch.randint(len(vectors), group.shape, generator=rng, device=vectors.device)
        new = vectors[row, group]
        ranks.take_from_first([new])
        self.book[where] = new
        self.usage[where] = even
        return True

    def nearest(self, vectors: Tensor) -> Tensor:
        """Return (n, groups) indices of the nearest entries."""
        return self.log_probability(vectors).argmax(-1).t()

    def look_up(self, codes: Tensor) -> Tensor:
        """Return (n, groups, dim): the entries of ``codes`` (n, groups)."""
        return self.books[torch.arange(self.groups, device=codes.device), codes]

    def forward(self, log_q: Tensor, rng: Generator) -> Tensor:
        """Return (n, groups, dim): an entry of each book drawn from ``log_q`` (groups, n, n_codes)."""
        uniform = torch.rand(log_q.shape, generator=rng, device=log_q.device, dtype=log_q.dtype)
        gumbel = -(-uniform.clamp(1e-9, 1.0 - 1e-7).log()).log()
        relaxed = ((log_q + gumbel) / self.temperature).softmax(-1)
        hard = nn.functional.one_hot(relaxed.argmax(-1), relaxed.shape[-1]).to(relaxed.dtype)
        return torch.bmm(hard - relaxed.detach() + relaxed, self.books).transpose(0, 1)
