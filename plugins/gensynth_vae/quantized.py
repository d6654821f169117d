"""An autoencoder with discrete latents from code books, and an autoregressive prior over the codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from gensynth.model import Batch, Fit, Stage
from gensynth.nn.categorical import draw
from gensynth.nn.latent_variables import LatentVariableModel, cells_only, latents_only
from gensynth.nn.networks import Networks
from gensynth.nn.vector_quantizer import Quantized, Quantizer
from gensynth_vae.divergence import warmup_progress


class QuantizedModel(LatentVariableModel):
    """An autoencoder with discrete latents: entries of code books.

    Parameters
    ----------
    networks, noises, learning_rate
        As of `LatentVariableModel`.
    hidden : sequence of int
        Hidden widths of encoder and decoder.
    quantizer : Quantizer
        The code books, those of a member side by side.
    prior_width : int
        Hidden units of the density over codes.
    column_groups : int
        See `VQVAE`.
    beta : float
        Final weight of the divergence between drawn codes and their prior.
    warmup : int
        Steps over which it grows from 0.
    max_steps : int
        Steps of a full run, of the autoencoder and of the density of its codes.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("likelihood", "reconstruction", "denoising", "prior")

    def __init__(
        self,
        networks: Networks,
        hidden: Sequence[int],
        quantizer: Quantizer,
        *,
        prior_width: int,
        column_groups: int,
        noises: Sequence[float],
        beta: float,
        warmup: int,
        max_steps: int,
        learning_rate: float,
    ) -> None:
        super().__init__(networks, noises, learning_rate)
        self.max_steps = max_steps
        books, n_codes, dim = quantizer.groups, quantizer.n_codes, quantizer.dim
        self.quantizer = quantizer
        self.groups, self.latent_dim = books // networks.members, books // networks.members * dim
        self.encoder = networks.code_encoder(hidden, self.groups, dim)
        self.decoder = networks.code_decoder(self.groups, dim, hidden, column_groups)
        self.prior = networks.code_prior(self.groups, dim, prior_width, n_codes)
        self.beta, self.warmup = beta, warmup
        # not for sampling tables, whose prior cannot learn the codes of more entries in use; not if rows may be
        # anomalies, which would get entries of their own
        scored = not networks.for_sampling and networks.trim == 0.0
        self.restarts = scored or networks.n_codes_a_row is not None

    def stages(self) -> tuple[Stage | Fit, ...]:
        """Joint training; then the prior over the codes alone, as in the paper; then the marginals."""
        whole = self.networks.stage(
            "elbo", tuple(self.parameters()), self._loss, learning_rate=self.learning_rate, monitor=self._monitor,
            report=self._report, max_steps=self.max_steps,
        )  # fmt: skip
        density = self.networks.stage(
            "prior", tuple(self.prior.parameters()), self._prior_loss, learning_rate=2e-3, budget_fraction=0.3,
            max_steps=self.max_steps,
        )  # fmt: skip
        marginals = (Fit("marginals", self.correct_marginals),) if self.networks.for_sampling else ()
        return *self.networks.fits(), whole, density, *marginals

    def score_method(self, method: str | None) -> str:
        """Return the method to score by; of images the default is "prior".

        A likelihood of pixels is dominated by how many are bright; how unusual the codes are says what is drawn.
        """
        if method is None and self.layout.image is not None:
            return "prior"
        return super().score_method(method)

    def to_decoder(self, latents: Tensor) -> Tensor:
        """Return the nearest entries of the latents."""
        return self.entries(self.codes(latents))

    def posterior_draw(self, rows: Batch, rng: Generator) -> Tensor:  # noqa: ARG002
        """Return the entries nearest to a row's vectors, deterministically."""
        return self.middle(self.networks.inputs(rows))

    def log_prior_of(self, latents: Tensor, rows: Batch) -> Tensor:
        """Return the log-probability of the nearest codes given the columns."""
        return self.log_prior(self.codes(latents), self.networks.inputs(rows))

    def codes(self, vectors: Tensor) -> Tensor:
        """Return (n, members * groups): the codes of the entries nearest to vectors (members, n, latent_dim)."""
        return self.quantizer.nearest(self._by_book(vectors))

    def entries(self, codes: Tensor) -> Tensor:
        """Return (members, n, latent_dim): the concatenated entries of codes (n, members * groups)."""
        return self._by_member(self.quantizer.look_up(codes)).flatten(2)

    def _quantized(self, vectors: Tensor, rng: Generator, log_q: Tensor | None = None) -> Quantized:
        """Quantise vectors (n, members * groups, dim) to concatenated entries (members, n, latent_dim).

        What they cost is (members, n).
        """
        own: Quantized = self.quantizer(vectors, rng, log_q)
        entries = self._by_member(own.entries).flatten(2)
        return Quantized(entries, own.log_q, own.cost.expand(self.networks.members, -1))

    def draw_prior(self, n: int, rng: Generator, columns: Batch | None = None) -> Tensor:
        """Sample entries (1, n, latent_dim) from the prior over codes."""
        return self.prior.sample(self.quantizer.books, n, rng, columns)

    def middle(self, inputs: Any) -> Tensor:
        """Return the likeliest entries (members, n, latent_dim)."""
        return self.entries(self.codes(self.encoder(inputs)))

    def costs(self, inputs: Any, method: str) -> tuple[Tensor, Tensor]:
        """Return the costs of cells (members, n, k) and of codes (members, n), in nats, at the likeliest codes.

        likelihood: -log p(row | entries) + KL(q(codes | row) || p(codes)), the bound of Takida et al. 2022, equation 7;
        reconstruction is its first term. prior: -log p(codes).
        """
        vectors = self._vectors(inputs)
        codes = self.quantizer.nearest(vectors)
        cells = -self.decoder.log_likelihood(inputs, self.entries(codes))
        if method == "reconstruction":
            return cells_only(cells)
        if method == "prior":
            return latents_only(-self.log_prior(codes, inputs), self.networks.n_cells)
        return cells, self._divergence(inputs, self.quantizer.log_probability(vectors), self.entries(codes))

    def log_prior(self, codes: Tensor, inputs: Any) -> Tensor:
        """Return (members, n) log-probabilities of the codes (n, members * groups) of rows."""
        logits = self.prior(self.entries(codes), inputs).log_softmax(-1)
        own: Tensor = logits.gather(-1, self._by_member(codes).unsqueeze(-1)).squeeze(-1)
        return own.sum(-1)

    def _terms(self, inputs: Any, own: Quantized) -> tuple[Tensor, Tensor]:
        """Return (members, n): log p(row | entries) at one draw of the codes, and KL(q(codes | row) || p(codes))."""
        likelihood = self.decoder.log_likelihood(inputs, own.entries).sum(-1)
        return likelihood, self._divergence(inputs, own.log_q, own.entries)

    def _divergence(self, inputs: Any, log_q: Tensor, entries: Tensor) -> Tensor:
        """Return (members, n): KL(q(codes | row) || p(codes)), each book given the entries before it."""
        log_q = self._by_member(log_q.transpose(0, 1))  # (members, n, groups, n_codes)
        log_p: Tensor = self.prior(entries, inputs).log_softmax(-1)
        return (log_q.exp() * (log_q - log_p)).sum((-2, -1))

    def _loss(self, batch: Batch, rng: Generator) -> Tensor:
        self.step += 1.0
        weight = self.beta * warmup_progress(float(self.step), self.warmup)
        inputs = self.networks.noisy(self.networks.inputs(batch), self.noise, rng)
        vectors = self._vectors(inputs)
        log_q: Tensor | None = None
        if self.restarts:
            log_q = self.quantizer.log_probability(vectors)
            log_q = None if self.quantizer.restart(vectors, log_q, rng) else log_q
        own = self._quantized(vectors, rng, log_q)
        reconstruction, divergence = self._terms(inputs, own)
        return weight * divergence - reconstruction + own.cost

    def _monitor(self, batch: Batch, rng: Generator) -> Tensor:
        inputs = self.networks.inputs(batch)
        reconstruction, divergence = self._terms(inputs, self._quantized(self._vectors(inputs), rng))
        return self.beta * divergence - reconstruction

    def _report(self, batch: Batch, rng: Generator) -> Mapping[str, float]:
        """Return nats of divergence, and the perplexity of the codes of a book (the mean over the books)."""
        inputs = self.networks.inputs(batch)
        vectors = self._vectors(inputs)
        perplexity = torch.special.entr(self.quantizer.log_probability(vectors).exp().mean(1)).sum(-1).exp().mean()
        _, divergence = self._terms(inputs, self._quantized(vectors, rng))
        return {"kl": float(divergence.mean()), "code_perplexity": float(perplexity)}

    def _prior_loss(self, batch: Batch, rng: Generator) -> Tensor:
        inputs = self.networks.inputs(batch)
        with torch.no_grad():
            own = self._quantized(self._vectors(inputs), rng)
            q = self._by_member(own.log_q.transpose(0, 1)).exp()
        cost: Tensor = -(q * self.prior(own.entries, inputs).log_softmax(-1)).sum((-2, -1))
        return cost

    def propose_for(self, rows: Batch, c: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return entries from q(codes | row), c for each row (n * c, latent_dim), and their log-weights (n * c,)."""
        inputs = self.networks.inputs(rows)
        log_q = self.quantizer.log_probability(self._vectors(inputs)).transpose(0, 1).repeat_interleave(c, 0)
        codes = draw(log_q.flatten(0, 1), rng).view(len(rows) * c, -1)
        log_weight = self.log_prior(codes, inputs)[0] - log_q.gather(-1, codes.unsqueeze(-1)).sum((1, 2))
        return self.entries(codes)[0], log_weight

    def _vectors(self, inputs: Any) -> Tensor:
        """Return the encoders' vectors (n, members * groups, dim)."""
        return self._by_book(self.encoder(inputs))

    def _by_book(self, vectors: Tensor) -> Tensor:
        """Return (n, members * groups, dim) of (members, n, latent_dim)."""
        by_book: Tensor = vectors.unflatten(-1, (self.groups, -1)).transpose(0, 1)
        return by_book.flatten(1, 2)

    def _by_member(self, values: Tensor) -> Tensor:
        """Return (members, n, groups, ...) of (n, members * groups, ...)."""
        by_member: Tensor = values.unflatten(1, (-1, self.groups))
        return by_member.transpose(0, 1)
