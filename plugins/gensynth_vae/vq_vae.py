"""VQ-VAE: a row is a few code-book entries, cells independent given them; an autoregressive density over the codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.constraints import Constraint, whole
from gensynth.model import Batch, Condition, Fit, GenerativeModel, Layout, Optimizer, Phase, Score, Stage
from gensynth.nn.categorical import draw
from gensynth.nn.made import BlockMADE
from gensynth.nn.tabular.corruption import Corruption
from gensynth.nn.tabular.decoder import Decoder, Given
from gensynth.nn.tabular.encoder import CellEncoder
from gensynth.nn.tabular.imputation import fill
from gensynth.nn.tabular.independent_decoder import grouped_decoder
from gensynth.nn.tabular.marginals import n_marginal_rows
from gensynth.nn.vector_quantizer import StochasticQuantizer
from gensynth_vae.choices import (
    LATENT,
    STEPS_OF_WARMUP,
    TWO_STAGES,
    WEIGHT,
    WEIGHT_AVERAGE,
    WEIGHT_DECAY,
    WIDTH,
    WIDTHS,
)
from gensynth_vae.variational import InColumnGroups


class QuantizedModel(GenerativeModel):
    """An autoencoder whose latent is a row of code-book entries.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    encoder : Module
        From a batch to (n, groups * dim).
    quantizer : StochasticQuantizer
        The code books.
    decoder : Decoder
        p(row | entries), the entries side by side.
    prior : BlockMADE
        From entries to logits of each code given the entries before.
    beta : float
        Final weight of the divergence between drawn codes and their prior.
    warmup : int
        Steps over which it grows from 0.
    learning_rate : float
        Step size.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("likelihood", "reconstruction", "denoising", "prior")
    step: Tensor

    def __init__(
        self,
        layout: Layout,
        encoder: nn.Module,
        quantizer: StochasticQuantizer,
        decoder: Decoder,
        prior: BlockMADE,
        *,
        beta: float,
        warmup: int,
        learning_rate: float,
    ) -> None:
        super().__init__(layout)
        self.encoder, self.quantizer, self.decoder, self.prior = encoder, quantizer, decoder, prior
        self.beta, self.warmup, self.learning_rate = beta, warmup, learning_rate
        self.latent_dim = quantizer.book.shape[0] * quantizer.book.shape[2]
        self.corruption = Corruption(layout)
        self.register_buffer("step", torch.zeros(()))

    def stages(self) -> tuple[Stage | Fit, ...]:
        """All parts together; then the density of the codes alone, as in the paper; then the marginals."""
        whole = Phase(
            "elbo",
            tuple(self.parameters()),
            self._loss,
            Optimizer(self.learning_rate, weight_decay=WEIGHT_DECAY),
        )
        codes = Phase(
            "prior", tuple(self.prior.parameters()), self._prior_loss, Optimizer(2e-3, weight_decay=WEIGHT_DECAY)
        )
        main = Stage(
            "elbo", (whole,), self._monitor, ema_decay=WEIGHT_AVERAGE, max_steps=TWO_STAGES, report=self._report
        )
        density = Stage(
            "prior",
            (codes,),
            budget_fraction=0.3,
            ema_decay=WEIGHT_AVERAGE,
            max_steps=TWO_STAGES,
        )
        return main, density, Fit("marginals", self._calibrate)

    def generate(self, n: int, rng: Generator, condition: Condition | None = None) -> Batch:
        """Draw codes from their density, then the cells; given cells are kept and the codes follow them."""
        if condition is None:
            return self.decoder.draw(self.draw_entries(n, rng), rng)
        return fill(self.decoder, self._propose, Given.of(condition), rng)

    def complete(self, batch: Batch, missing: Tensor, rng: Generator) -> Batch:
        """Draw missing cells given the others of their row, by posterior iteration."""
        return fill(self.decoder, self._propose, Given(batch, ~missing, complete=True), rng)

    def encode(self, batch: Batch) -> Tensor:
        """Return (n, latent_dim): the entries nearest to a row's vectors, side by side."""
        return self.quantizer.look_up(self.codes(batch)).flatten(1)

    def decode(self, latents: Tensor, rng: Generator) -> Batch:
        """Draw one row for each latent, of whose parts the nearest entries are taken."""
        codes = self.quantizer.nearest(self._by_book(latents))
        return self.decoder.draw(self.quantizer.look_up(codes).flatten(1), rng)

    def codes(self, batch: Batch) -> Tensor:
        """Return (n, groups): the likeliest code of each book."""
        return self.quantizer.nearest(self._vectors(batch))

    def draw_entries(self, n: int, rng: Generator) -> Tensor:
        """Return (n, latent_dim): entries whose codes are drawn from their density book by book, side by side."""
        book = self.quantizer.book
        dim = book.shape[2]
        entries = book.new_empty(n, self.latent_dim)
        for g, own in enumerate(book):
            code = draw(self.prior.one(g, entries[:, : g * dim]), rng)
            entries[:, g * dim : (g + 1) * dim] = own.index_select(0, code)
        return entries

    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:  # noqa: ARG002
        """Score rows, in nats: "likelihood" = "reconstruction" + "prior".

        reconstruction = log p(row | its entries); prior = log p(its codes). denoising: the reconstruction from the
        entries of the row under noise, the mean over noise levels (`Corruption`).
        """
        method = self.score_method(method)
        if method == "denoising":
            terms = [self._log_density(batch, self.encode(noisy)) for noisy in self.corruption(batch)]
            return Score(torch.stack(terms).mean(0))
        codes = self.codes(batch)
        score = batch.numeric.new_zeros(len(batch))
        if method != "prior":
            score = score + self._log_density(batch, self.quantizer.look_up(codes).flatten(1))
        if method != "reconstruction":
            score = score + self.log_prior(codes)
        return Score(score)

    def log_prior(self, codes: Tensor) -> Tensor:
        """Return (n,) log-probabilities of rows of codes (n, groups)."""
        logits = self.prior(self.quantizer.look_up(codes).flatten(1))
        cost = F.cross_entropy(logits.flatten(0, 1), codes.t().flatten(), reduction="none")
        return -cost.view(codes.shape[1], -1).sum(0)

    def _log_density(self, batch: Batch, entries: Tensor) -> Tensor:
        volume = 0.0 if batch.log_jacobian is None else batch.log_jacobian.sum(-1)
        density: Tensor = self.decoder.log_likelihood(batch, entries).sum(-1) + volume
        return density

    def _vectors(self, batch: Batch) -> Tensor:
        return self._by_book(self.encoder(batch))

    def _by_book(self, vectors: Tensor) -> Tensor:
        groups, _, dim = self.quantizer.book.shape
        by_book: Tensor = vectors.unflatten(-1, (groups, dim))
        return by_book

    def terms(self, batch: Batch, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return (n,) log p(row | entries) at one draw of the codes, and (n,) KL(q(codes | row) || p(codes))."""
        log_q = self.quantizer.log_probability(self._vectors(batch))
        entries = self.quantizer(log_q, rng).flatten(1)
        divergence = (log_q.exp() * (log_q - self.prior(entries).log_softmax(-1))).sum((0, 2))
        return self.decoder.log_likelihood(batch, entries).sum(-1), divergence

    def _loss(self, batch: Batch, rng: Generator) -> Tensor:
        self.step += 1.0
        weight = self.beta * (1.0 if self.warmup == 0 else min(1.0, float(self.step) / self.warmup))
        reconstruction, divergence = self.terms(batch, rng)
        return (weight * divergence - reconstruction).mean()

    def _monitor(self, batch: Batch, rng: Generator) -> Tensor:
        reconstruction, divergence = self.terms(batch, rng)
        return (self.beta * divergence - reconstruction).mean()

    def _report(self, batch: Batch, rng: Generator) -> Mapping[str, float]:
        """Return nats of divergence, and the perplexity of the codes of a book (the mean over the books)."""
        used = self.quantizer.log_probability(self._vectors(batch)).exp().mean(1)
        perplexity = torch.special.entr(used).sum(-1).exp().mean()
        return {"kl": float(self.terms(batch, rng)[1].mean()), "code_perplexity": float(perplexity)}

    def _prior_loss(self, batch: Batch, rng: Generator) -> Tensor:
        with torch.no_grad():
            log_q = self.quantizer.log_probability(self._vectors(batch))
            entries = self.quantizer(log_q, rng).flatten(1)
        cost: Tensor = -(log_q.exp() * self.prior(entries).log_softmax(-1)).sum((0, 2))
        return cost

    @torch.no_grad()
    def _calibrate(self, batch: Batch, rng: Generator) -> None:
        self.decoder.correct_marginals(batch, self.draw_entries(n_marginal_rows(len(self.layout.columns)), rng), rng)

    def _propose(self, rows: Batch | None, n: int, c: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return c rows of entries for each of n rows and log-weights, as `imputation.Propose` asks.

        From the prior first; then, for the rows as they were filled so far, from q(codes | row).
        """
        if rows is None:
            return self.draw_entries(n * c, rng), self.quantizer.book.new_zeros(n * c)
        log_q = self.quantizer.log_probability(self._vectors(rows)).transpose(0, 1).repeat_interleave(c, 0)
        codes = draw(log_q.flatten(0, 1), rng).view(n * c, -1)
        log_weight = self.log_prior(codes) - log_q.gather(-1, codes.unsqueeze(-1)).sum((1, 2))
        return self.quantizer.look_up(codes).flatten(1), log_weight


@dataclass(eq=False)
class VQVAE(InColumnGroups):
    """VQ-VAE: a row is a few code-book entries, and cells are independent given them.

    Departs from the paper in one measured point: while training, entries are drawn near the encoder's vectors instead
    of being the nearest ones (`StochasticQuantizer`), and the autoregressive density of the codes is trained with the
    rest before its own stage. Codes that are looked up hold much that the density cannot learn: samples get worse with
    every code book that is added.

    Parameters
    ----------
    column_groups : int, default=1
        Autoregressive steps of the decoder over the columns; 1: all that ties columns passes through the codes.
    groups : int, default=8
        Code-book entries a row.
    n_codes : int, default=32
        Entries of each code book.
    code_dim : int, default=8
        Width of an entry.
    hidden : tuple of int, default=(128, 128)
        Hidden widths of encoder and decoder.
    beta : float, default=0.1
        Weight of the divergence between the drawn codes and their density; what it saves is detail in the codes.
    warmup : int, default=1000
        Steps over which that weight grows from 0.
    prior_width : int, default=64
        Hidden units of the density of the codes, a code book.

    References
    ----------
    van den Oord et al. 2017, "Neural discrete representation learning" (arXiv 1711.00937).
    Takida et al. 2022, "SQ-VAE" (arXiv 2205.07547): stochastic quantization.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "groups": whole(1, 1024),
        "n_codes": whole(2, 65_536),
        "code_dim": LATENT,
        "hidden": WIDTHS,
        "beta": WEIGHT,
        "warmup": STEPS_OF_WARMUP,
        "prior_width": WIDTH,
    }
    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "conditional", "impute", "score", "latent"})
    score_methods: ClassVar[tuple[str, ...]] = QuantizedModel.score_methods
    column_groups: int = 1
    groups: int = 8
    n_codes: int = 32
    code_dim: int = 8
    hidden: tuple[int, ...] = (128, 128)
    beta: float = 0.1
    warmup: int = 1000
    prior_width: int = 64

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        cells = self._cells(layout)
        hidden, width = tuple(self.hidden), self.groups * self.code_dim
        return QuantizedModel(
            layout,
            CellEncoder(layout, cells.embedding, hidden, width, cells.dropout),
            StochasticQuantizer(self.groups, self.n_codes, self.code_dim),
            grouped_decoder(layout, *cells, column_groups=self.column_groups, hidden=hidden, latent_dim=width),
            BlockMADE(self.groups, self.code_dim, self.prior_width, self.n_codes, cells.dropout),
            beta=self.beta,
            warmup=self.warmup,
            learning_rate=self.learning_rate,
        )
