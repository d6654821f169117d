"""VQ-VAE: a row is a few code-book entries, cells independent given them; an autoregressive density over the codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from sklearn.base import clone
from torch import Generator, Tensor

from gensynth.constraints import NONE, Among, Between, Constraint, SearchSpace, whole
from gensynth.layout import Layout
from gensynth.model import Batch, Fit, GenerativeModel, Stage
from gensynth.nn.categorical import draw
from gensynth.nn.family import TaskDefaults, in_turns
from gensynth.nn.networks import Networks
from gensynth.nn.vector_quantizer import NearestQuantizer, Quantized, Quantizer, StochasticQuantizer
from gensynth_vae.choices import HIDDEN, LATENT, WEIGHT, WIDTH, WIDTHS, IndependentCellsRecipe
from gensynth_vae.divergence import warmup_progress
from gensynth_vae.latent_variables import LatentVariableModel, cells_only, latents_only

MAX_STEPS = 7_500
"""Steps of a full run, of the autoencoder and of the density of its codes."""
STEPS_TO_SCORE_IMAGES = 180
"""The same of a detector of images: codes that tell more of an image than what it shows are no odder for an odd one."""


class QuantizedModel(LatentVariableModel):
    """An autoencoder whose latent is a row of code-book entries.

    Parameters
    ----------
    networks : Networks
        What carries it.
    hidden : sequence of int
        Hidden widths of encoder and decoder.
    quantizer : Quantizer
        The code books, those of a member side by side.
    prior_width : int
        Hidden units of the density over codes.
    column_groups : int
        See `VQVAE`.
    noises : sequence of float
        Deviation of the noise on each member's input in training.
    beta : float
        Final weight of the divergence between drawn codes and their prior.
    warmup : int
        Steps over which it grows from 0.
    max_steps : int
        Steps of a full run, of the autoencoder and of the density of its codes.
    learning_rate : float
        Step size.
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
        # not to sample tables: more entries tell more than their density learns; not where rows may be anomalies: an
        # entry that starts at one would be theirs
        scored = not networks.for_sampling and networks.trim == 0.0
        self.restarts = scored or networks.n_codes_a_row is not None

    def stages(self) -> tuple[Stage | Fit, ...]:
        """All parts together; then the density of the codes alone, as in the paper; then the marginals."""
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

    def encode(self, batch: Batch) -> Tensor:
        """Return (n, latent_dim): the entries nearest to a row's vectors, side by side."""
        return self.middle(self.networks.inputs(batch))[0]

    def to_decoder(self, latents: Tensor) -> Tensor:
        """Return the entries that are nearest to the parts of the latents."""
        return self.entries(self._nearest(latents))

    def posterior_draw(self, rows: Batch, rng: Generator) -> Tensor:  # noqa: ARG002
        """Return the entries nearest to a row's vectors: which ones is certain."""
        return self.encode(rows)

    def log_prior_of(self, latents: Tensor, rows: Batch) -> Tensor:
        """Return the log-probability of the nearest codes given the columns."""
        return self.log_prior(self._nearest(latents), self.networks.inputs(rows))[0]

    def _nearest(self, latents: Tensor) -> Tensor:
        return self.quantizer.nearest(self._by_book(latents.unsqueeze(0)))

    def codes(self, inputs: Any) -> Tensor:
        """Return (n, members * groups): the likeliest code of each book."""
        return self.quantizer.nearest(self._vectors(inputs))

    def entries(self, codes: Tensor) -> Tensor:
        """Return (members, n, latent_dim): the entries of codes (n, members * groups), a member's side by side."""
        return self._by_member(self.quantizer.look_up(codes)).flatten(2)

    def _quantized(self, vectors: Tensor, rng: Generator, log_q: Tensor | None = None) -> Quantized:
        """Return the entries for vectors (n, members * groups, dim), a member's side by side (members, n, latent_dim).

        What they cost is (members, n).
        """
        own: Quantized = self.quantizer(vectors, rng, log_q)
        entries = self._by_member(own.entries).flatten(2)
        return Quantized(entries, own.log_q, own.cost.expand(self.networks.members, -1))

    def draw_prior(self, n: int, rng: Generator, columns: Batch | None = None) -> Tensor:
        """Draw entries (1, n, latent_dim) whose codes come from their density."""
        return self.prior.sample(self.quantizer.books, n, rng, columns)

    def middle(self, inputs: Any) -> Tensor:
        """Return the likeliest entries (members, n, latent_dim)."""
        return self.entries(self.codes(inputs))

    def costs(self, inputs: Any, method: str) -> tuple[Tensor, Tensor]:
        """Return what each cell costs (members, n, k) and what the codes do (members, n), in nats, at likeliest codes.

        likelihood: -log p(row | entries) + KL(q(codes | row) || p(codes)), the bound of Takida et al. 2022, equation 7;
        reconstruction is its first term. prior: -log p(codes). denoising: the reconstruction from the entries of the
        row under noise, the mean over noise levels.
        """
        if method == "denoising":
            return self.denoising(inputs)
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

    def terms(self, inputs: Any, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return (members, n): log p(row | entries) at one draw of the codes, and KL(q(codes | row) || p(codes))."""
        return self._terms(inputs, self._quantized(self._vectors(inputs), rng))

    def _terms(self, inputs: Any, own: Quantized) -> tuple[Tensor, Tensor]:
        likelihood = self.decoder.log_likelihood(inputs, own.entries).sum(-1)
        return likelihood, self._divergence(inputs, own.log_q, own.entries)

    def _divergence(self, inputs: Any, log_q: Tensor, entries: Tensor) -> Tensor:
        """Return (members, n): KL(q(codes | row) || p(codes)), each book's given the entries of those before it."""
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
        reconstruction, divergence = self.terms(self.networks.inputs(batch), rng)
        return self.beta * divergence - reconstruction

    def _report(self, batch: Batch, rng: Generator) -> Mapping[str, float]:
        """Return nats of divergence, and the perplexity of the codes of a book (the mean over the books)."""
        inputs = self.networks.inputs(batch)
        used = self.quantizer.log_probability(self._vectors(inputs)).exp().mean(1)
        perplexity = torch.special.entr(used).sum(-1).exp().mean()
        return {"kl": float(self.terms(inputs, rng)[1].mean()), "code_perplexity": float(perplexity)}

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
        """Return (n, members * groups, dim): what the encoders say."""
        return self._by_book(self.encoder(inputs))

    def _by_book(self, vectors: Tensor) -> Tensor:
        """Return (n, members * groups, dim) of (members, n, latent_dim)."""
        by_book: Tensor = vectors.unflatten(-1, (self.groups, -1)).transpose(0, 1)
        return by_book.flatten(1, 2)

    def _by_member(self, values: Tensor) -> Tensor:
        """Return (members, n, groups, ...) of (n, members * groups, ...)."""
        by_member: Tensor = values.unflatten(1, (-1, self.groups))
        return by_member.transpose(0, 1)


@dataclass(eq=False)
class VQVAE(IndependentCellsRecipe):
    """VQ-VAE: a row is a few code-book entries, and cells are independent given them.

    Departs from the paper in one measured point: while training, entries are drawn near the encoder's vectors instead
    of being the nearest ones (`StochasticQuantizer`), and the autoregressive density of the codes is trained with the
    rest before its own stage. Codes that are looked up hold much that the density cannot learn: samples get worse with
    every code book that is added. On images it is the paper's: a grid of codes of one book, the nearest entries
    (`NearestQuantizer`), the density of the codes in a stage of its own.

    Parameters
    ----------
    groups : int or None, default=None
        Code-book entries a row; None for 8, of a detector 4, and 1 where rows may be anomalies: among many combinations
        of entries there are some for them too. Images have one entry for each place of their coarsest map.
    n_codes : int or None, default=None
        Entries of each code book; None for 32, for images 64, of a detector one in 20 rows, 4 to 32, and to 8 where
        rows may be anomalies.
    code_dim : int or None, default=None
        Width of an entry; None for 8, of a detector 4.
    hidden : tuple of int or None, default=None
        Hidden widths of encoder and decoder; None for (128, 128), of a detector (64, 64). For tables.
    beta : float or None, default=None
        Weight of the divergence between the drawn codes and their density; what it saves is detail in the codes. None
        for 0.1, and 0 for images, whose density is learned in its own stage.
    prior_width : int or None, default=None
        Hidden units of the density of the codes: of a code book 64, of a detector's network 32.
    max_steps : int or None, default=None
        Steps of a full run, of the autoencoder and of the density of its codes, where the trainer's ``max_epochs`` is
        "auto"; None for 7,500, and 180 of a detector of images: their codes are scored, and tell odd images best when
        they do not yet hold every detail (measured). For sampling, and for images.
    noise : float, tuple of float or None, default=None
        Deviation of the noise on a detector's input in training, in units of the columns; None for 0.1 and 0.3 in
        turns, and for 1 where rows may be anomalies: single odd rows then get no entry of their own.

    References
    ----------
    van den Oord et al. 2017, "Neural discrete representation learning" (arXiv 1711.00937).
    Takida et al. 2022, "SQ-VAE" (arXiv 2205.07547): stochastic quantization.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "groups": NONE | whole(1, 1024),
        "n_codes": NONE | whole(2, 65_536),
        "code_dim": NONE | LATENT,
        "hidden": NONE | WIDTHS,
        "beta": NONE | WEIGHT,
        "prior_width": NONE | WIDTH,
        "max_steps": NONE | whole(1),
    }
    search_space: ClassVar[SearchSpace] = {
        "groups": Between(4, 16, log=True, whole=True),
        "n_codes": Among((16, 32, 64, 128)),
        "code_dim": Among((4, 8, 16)),
        "hidden": HIDDEN,
        "beta": Between(0.02, 0.5, log=True),
    }
    by_task: ClassVar[TaskDefaults] = {
        "sampling": {"groups": 8, "n_codes": 32, "code_dim": 8, "hidden": (128, 128), "beta": 0.1, "prior_width": 64,
                     "noise": 0.0, "learning_rate": 2e-3},
        "detection": {"n_members": 6, "groups": 4, "code_dim": 4, "hidden": (64, 64), "beta": 0.1, "prior_width": 32,
                      "noise": (0.1, 0.3), "learning_rate": 2e-3},
        "robust detection": {"groups": 1, "noise": 1.0},
        "images": {"n_codes": 64, "beta": 0.0},
    }  # fmt: skip
    image_estimators: ClassVar[int] = 3
    only_for: ClassVar[Mapping[str, str]] = {"max_steps": "sampling"}
    not_for_images: ClassVar[frozenset[str]] = frozenset({"groups", "hidden"})
    score_methods: ClassVar[tuple[str, ...]] = QuantizedModel.score_methods
    groups: int | None = None
    n_codes: int | None = None
    code_dim: int | None = None
    hidden: tuple[int, ...] | None = None
    prior_width: int | None = None
    max_steps: int | None = None

    def for_image_detection(self) -> VQVAE:
        """Return this recipe with the steps that scores of images take."""
        if self.max_steps is not None:
            return self
        recipe: VQVAE = clone(self).set_params(max_steps=STEPS_TO_SCORE_IMAGES)
        return recipe

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        own, networks = self.settings(layout), self.networks(layout)
        most = 8 if self.task == "robust detection" else 32
        n_codes = own.n_codes or max(4, min(most, layout.n_rows // 20))
        places = networks.n_codes_a_row
        quantizer: Quantizer = StochasticQuantizer(networks.members * own.groups, n_codes, own.code_dim)
        if places is not None:
            quantizer = NearestQuantizer(places, n_codes, own.code_dim)
        return QuantizedModel(
            networks,
            tuple(own.hidden),
            quantizer,
            prior_width=own.prior_width,
            column_groups=self.column_groups,
            noises=in_turns(own.noise, networks.members),
            beta=own.beta,
            warmup=self.warmup if networks.for_sampling else 0,
            max_steps=self.max_steps or MAX_STEPS,
            learning_rate=own.learning_rate,
        )
