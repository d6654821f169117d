"""The model of VQ-VAE: discrete latents with code books, and an autoregressive density over them."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.model import Batch, Condition, Fit, GenerativeModel, Layout, Optimizer, Phase, Score, Stage
from gensynth.nn.categorical import draw
from gensynth.nn.made import BlockMADE
from gensynth.nn.tabular.corruption import Corruption
from gensynth.nn.tabular.decoder import Decoder, Given
from gensynth.nn.tabular.imputation import fill
from gensynth.nn.tabular.marginals import n_marginal_rows
from gensynth.nn.vector_quantizer import VectorQuantizer
from gensynth_vae.choices import TWO_STAGES, WEIGHT_AVERAGE, WEIGHT_DECAY


class CodePrior(nn.Module):
    """p(codes) = prod_g p(code_g | codes before) over the code books, each code embedded in a vector of its own.

    Parameters
    ----------
    groups : int
        Code books.
    n_codes : int
        Entries of each.
    width : int
        Hidden units a code book.
    dropout : float
        Share of them dropped in training.
    dim : int
        Width of an embedded code.
    """

    first: Tensor

    def __init__(self, groups: int, n_codes: int, width: int, dropout: float, dim: int = 8) -> None:
        super().__init__()
        self.dim = dim
        self.cells = nn.Parameter(torch.randn(groups * n_codes, dim))
        self.network = BlockMADE(groups, dim, width, n_codes, dropout)
        self.register_buffer("first", torch.arange(groups) * n_codes, persistent=False)

    def log_density(self, codes: Tensor) -> Tensor:
        """Return (n,) log-probabilities of rows of codes (n, groups)."""
        cells = self.cells.index_select(0, (codes + self.first).flatten()).view(len(codes), -1)
        logits = self.network(cells)  # (groups, n, n_codes)
        cost = F.cross_entropy(logits.flatten(0, 1), codes.t().flatten(), reduction="none")
        return -cost.view(codes.shape[1], -1).sum(0)

    def sample(self, n: int, rng: Generator) -> Tensor:
        """Draw (n, groups) codes, group by group."""
        groups = len(self.first)
        codes = torch.empty(n, groups, dtype=torch.long, device=self.cells.device)
        cells = self.cells.new_empty(n, groups * self.dim)
        for g in range(groups):
            before = g * self.dim
            codes[:, g] = draw(self.network.one(g, cells[:, :before]), rng)
            cells[:, before : before + self.dim] = self.cells.index_select(0, codes[:, g] + self.first[g])
        return codes


class QuantisedModel(GenerativeModel):
    """An autoencoder whose latent is a row of code-book entries.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    encoder : Module
        From a batch to (n, groups * dim).
    quantizer : VectorQuantizer
        The code books.
    decoder : Decoder
        p(row | entries), the entries side by side.
    prior : CodePrior
        Density over codes, trained in the second stage.
    commitment : float
        Weight of the distance between vectors and their entries.
    learning_rate : float
        Step size.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("likelihood", "reconstruction", "denoising", "prior")

    def __init__(
        self,
        layout: Layout,
        encoder: nn.Module,
        quantizer: VectorQuantizer,
        decoder: Decoder,
        prior: CodePrior,
        commitment: float,
        learning_rate: float,
    ) -> None:
        super().__init__(layout)
        self.encoder, self.quantizer, self.decoder, self.prior = encoder, quantizer, decoder, prior
        self.commitment, self.learning_rate = commitment, learning_rate
        self.corruption = Corruption(layout)
        self._given: tuple[Tensor, Generator] | None = None

    def stages(self) -> tuple[Stage | Fit, ...]:
        """Autoencoder and code books; then the density of the codes."""
        body = (*self.encoder.parameters(), *self.decoder.parameters())
        books = Phase(
            "reconstruction",
            body,
            self._loss,
            Optimizer(self.learning_rate, weight_decay=WEIGHT_DECAY),
            after_step=self._follow,
        )
        codes = Phase(
            "prior", tuple(self.prior.parameters()), self._prior_loss, Optimizer(2e-3, weight_decay=WEIGHT_DECAY)
        )
        main = Stage("reconstruction", (books,), max_steps=TWO_STAGES)
        density = Stage("prior", (codes,), budget_fraction=0.5, ema_decay=WEIGHT_AVERAGE, max_steps=TWO_STAGES)
        return main, density, Fit("marginals", self._calibrate)

    def generate(self, n: int, rng: Generator, condition: Condition | None = None) -> Batch:
        """Draw codes from their density, then the cells; given cells are kept and the codes follow them."""
        if condition is None:
            return self.decoder.draw(self._drawn_entries(n, rng), rng)
        return fill(self.decoder, self._propose, Given.of(condition), rng)

    def complete(self, batch: Batch, missing: Tensor, rng: Generator) -> Batch:
        """Draw missing cells given the others of their row, by posterior iteration."""
        return fill(self.decoder, self._propose, Given(batch, ~missing, complete=True), rng)

    def _drawn_entries(self, n: int, rng: Generator) -> Tensor:
        """Return (n, groups * dim): entries whose codes are drawn from their density, side by side."""
        return self.quantizer.look_up(self.prior.sample(n, rng)).flatten(1)

    @torch.no_grad()
    def _calibrate(self, batch: Batch, rng: Generator) -> None:
        self.decoder.correct_marginals(batch, self._drawn_entries(n_marginal_rows(len(self.layout.columns)), rng), rng)

    def _propose(self, rows: Batch | None, n: int, c: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return c rows of entries for each of n rows and log-weights, as `imputation.Propose` asks.

        The prior first; then, for the rows as they were filled so far, entries near the encoder's vectors: softmax of
        minus the squared distance over that of the nearest entry.
        """
        if rows is None:
            return self._drawn_entries(n * c, rng), self.quantizer.book.new_zeros(n * c)
        distance = torch.cdist(self._vectors(rows).transpose(0, 1), self.quantizer.book).square()  # (groups, n, codes)
        scale = distance.amin(-1, keepdim=True).mean(1, keepdim=True).clamp(min=1e-6)
        log_q = (-distance / scale).log_softmax(-1).transpose(0, 1).repeat_interleave(c, 0)  # (n * c, groups, codes)
        codes = draw(log_q.flatten(0, 1), rng).view(n * c, -1)
        log_weight = self.prior.log_density(codes) - log_q.gather(-1, codes.unsqueeze(-1)).sum((1, 2))
        return self.quantizer.look_up(codes).flatten(1), log_weight

    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:  # noqa: ARG002
        """Score rows, in nats: "likelihood" = "reconstruction" + "prior".

        reconstruction = log p(row | its entries); prior = log p(its codes). denoising: the reconstruction from the
        entries of the row under noise, the mean over noise levels (`Corruption`).
        """
        method = self.score_method(method)
        if method == "denoising":
            volume = 0.0 if batch.log_jacobian is None else batch.log_jacobian.sum(-1)
            found = [self.quantizer(self._vectors(noisy))[0].flatten(1) for noisy in self.corruption(batch)]
            return Score(torch.stack([self.decoder.log_likelihood(batch, e).sum(-1) + volume for e in found]).mean(0))
        entries, codes, _ = self.quantizer(self._vectors(batch))
        score = batch.numeric.new_zeros(len(batch))
        if method != "prior":
            score = score + self.decoder.log_likelihood(batch, entries.flatten(1)).sum(-1)
            if batch.log_jacobian is not None:
                score = score + batch.log_jacobian.sum(-1)
        if method != "reconstruction":
            score = score + self.prior.log_density(codes)
        return Score(score)

    def _vectors(self, batch: Batch) -> Tensor:
        groups, _, dim = self.quantizer.book.shape
        vectors: Tensor = self.encoder(batch).unflatten(-1, (groups, dim))
        return vectors

    def _loss(self, batch: Batch, rng: Generator) -> Tensor:
        vectors = self._vectors(batch)
        if self.training:
            self._given = vectors.detach(), rng
        entries, _, commitment = self.quantizer(vectors)
        reconstruction = self.decoder.log_likelihood(batch, entries.flatten(1)).sum(-1)
        losses: Tensor = self.commitment * commitment - reconstruction
        return losses

    def _follow(self) -> None:
        if self._given is not None:
            self.quantizer.follow(*self._given)
            self._given = None

    def _prior_loss(self, batch: Batch, _rng: Generator) -> Tensor:
        with torch.no_grad():
            codes = self.quantizer.nearest(self._vectors(batch))
        return -self.prior.log_density(codes)
