"""Vector quantization with moving-average code books (van den Oord et al. 2017, arXiv 1711.00937)."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn


class VectorQuantizer(nn.Module):
    """Replaces each of ``groups`` vectors by the nearest entry of its own code book.

    Code books follow the vectors given to them by exponential moving averages (appendix A.1 of the paper); an entry
    that nothing was given to for long starts again at a vector of the batch (Dhariwal et al. 2020, arXiv 2005.00341).

    Parameters
    ----------
    groups : int
        Vectors a row, each with a code book of its own.
    n_codes : int
        Entries of a code book.
    dim : int
        Width of a vector.
    decay : float
        Of the moving averages.
    """

    book: Tensor
    count: Tensor
    total: Tensor
    started: Tensor

    def __init__(self, groups: int, n_codes: int, dim: int, decay: float = 0.99) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("book", torch.randn(groups, n_codes, dim))
        self.register_buffer("count", torch.ones(groups, n_codes))
        self.register_buffer("total", self.book.clone())
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))

    def nearest(self, vectors: Tensor) -> Tensor:
        """Return (n, groups) indices of the nearest entries; ``vectors`` is (n, groups, dim)."""
        by_group = vectors.transpose(0, 1)  # (groups, n, dim)
        # |v - e|^2 without |v|^2, which is the same for every entry
        distance = self.book.square().sum(-1).unsqueeze(1) - 2.0 * torch.bmm(by_group, self.book.transpose(1, 2))
        return distance.argmin(-1).t()

    def look_up(self, codes: Tensor) -> Tensor:
        """Return (n, groups, dim): the entries of ``codes`` (n, groups)."""
        return self.book[torch.arange(self.book.shape[0], device=codes.device), codes]

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Quantise.

        Returns
        -------
        entries : Tensor of shape (n, groups, dim)
            The nearest entries; the gradient passes straight through to ``vectors``.
        codes : Tensor of shape (n, groups)
            Their indices.
        commitment : Tensor of shape (n,)
            Mean squared distance of the vectors to their entries (third term of equation 3).
        """
        codes = self.nearest(vectors)
        entries = self.look_up(codes)
        commitment = (vectors - entries).square().mean((1, 2))
        return vectors + (entries - vectors).detach(), codes, commitment

    @torch.no_grad()
    def follow(self, vectors: Tensor, rng: Generator) -> None:
        """Move the code books towards the vectors that were given to them; restart entries nothing is given to."""
        n = len(vectors)
        n_codes = self.book.shape[1]
        drawn = torch.randint(n, (n_codes,), generator=rng, device=vectors.device)
        fresh = vectors[drawn].transpose(0, 1)  # (groups, n_codes, dim)
        if not self.started:
            self.book.copy_(fresh + 0.01 * fresh.std() * torch.randn(fresh.shape, generator=rng, device=fresh.device))
            self.total.copy_(self.book)
            self.started.fill_(value=True)
        one_hot = nn.functional.one_hot(self.nearest(vectors), n_codes).to(vectors.dtype).permute(1, 2, 0)
        self.count.lerp_(one_hot.sum(-1), 1.0 - self.decay)
        self.total.lerp_(torch.bmm(one_hot, vectors.transpose(0, 1)), 1.0 - self.decay)
        dead = (self.count < 0.05 * n / n_codes).unsqueeze(-1)
        self.total.copy_(torch.where(dead, fresh, self.total))
        self.count.copy_(torch.where(dead.squeeze(-1), 1.0, self.count))
        self.book.copy_(self.total / self.count.unsqueeze(-1))


class StochasticQuantizer(nn.Module):
    """Draws an entry of each code book, the nearer the likelier: q(k | v) ~ exp(-|v - e_k|^2 / (2 s^2)).

    Each book learns its s together with its entries, by gradients through relaxed draws (Gumbel-softmax: Jang et al.
    2017, arXiv 1611.01144); as s goes to 0 this becomes the nearest entry. Entries that are drawn, not looked up, carry
    no detail that the density over codes would have to learn by heart.

    Parameters
    ----------
    groups : int
        Vectors a row, each with a code book of its own.
    n_codes : int
        Entries of a code book.
    dim : int
        Width of a vector.
    temperature : float
        Of the relaxed draws.

    References
    ----------
    Takida et al. 2022, "SQ-VAE: Variational Bayes on discrete representation with self-annealed stochastic
    quantization" (arXiv 2205.07547), equations 5 and 6.
    """

    def __init__(self, groups: int, n_codes: int, dim: int, temperature: float = 0.5) -> None:
        super().__init__()
        self.temperature = temperature
        self.book = nn.Parameter(torch.randn(groups, n_codes, dim))
        self.log_precision = nn.Parameter(torch.ones(groups, 1, 1))

    def log_probability(self, vectors: Tensor) -> Tensor:
        """Return (groups, n, n_codes): log q(code | vector) for ``vectors`` (n, groups, dim)."""
        # |v - e|^2 without |v|^2, which is the same for every entry
        distance = self.book.square().sum(-1).unsqueeze(1)
        distance = distance - 2.0 * torch.bmm(vectors.transpose(0, 1), self.book.transpose(1, 2))
        return (-0.5 * self.log_precision.exp() * distance).log_softmax(-1)

    def nearest(self, vectors: Tensor) -> Tensor:
        """Return (n, groups) indices of the nearest entries."""
        return self.log_probability(vectors).argmax(-1).t()

    def look_up(self, codes: Tensor) -> Tensor:
        """Return (n, groups, dim): the entries of ``codes`` (n, groups)."""
        return self.book[torch.arange(self.book.shape[0], device=codes.device), codes]

    def forward(self, log_q: Tensor, rng: Generator) -> Tensor:
        """Return (n, groups, dim): an entry of each book drawn from ``log_q`` (groups, n, n_codes)."""
        uniform = torch.rand(log_q.shape, generator=rng, device=log_q.device, dtype=log_q.dtype)
        gumbel = -(-uniform.clamp(1e-9, 1.0 - 1e-7).log()).log()
        relaxed = ((log_q + gumbel) / self.temperature).softmax(-1)
        hard = nn.functional.one_hot(relaxed.argmax(-1), relaxed.shape[-1]).to(relaxed.dtype)
        return torch.bmm(hard - relaxed.detach() + relaxed, self.book).transpose(0, 1)
