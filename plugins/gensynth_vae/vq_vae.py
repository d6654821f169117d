"""The recipe ``vq-vae``: discrete latents from code books, cells independent given them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sklearn.base import clone

from gensynth.constraints import NONE, Among, Between, Constraint, SearchSpace, whole
from gensynth.layout import Layout
from gensynth.model import GenerativeModel
from gensynth.nn.family import TaskDefaults, in_turns
from gensynth.nn.vector_quantizer import NearestQuantizer, Quantizer, StochasticQuantizer
from gensynth_vae.choices import HIDDEN, LATENT, WEIGHT, WIDTH, WIDTHS, IndependentCellsRecipe
from gensynth_vae.quantized import QuantizedModel

MAX_STEPS = 7_500
"""Steps of a full run, of the autoencoder and of the density of its codes."""
STEPS_TO_SCORE_IMAGES = 180
"""The same for a detector of images: after longer training, the codes of anomalous images are no less likely."""


@dataclass(eq=False)
class VQVAE(IndependentCellsRecipe):
    """VQ-VAE: discrete latents from code books, and independent cells given them.

    Departs from the paper in one point, which improves samples in experiments: in training, entries are sampled near
    the encoder's vectors instead of the nearest ones (`StochasticQuantizer`), and the autoregressive prior of the codes
    is trained jointly before its own stage. Nearest codes contain much that the prior cannot learn, so that samples get
    worse with every further code book. On images it is the paper's model: a grid of codes of one book, the nearest
    entries (`NearestQuantizer`), and a prior trained in a second stage.

    Parameters
    ----------
    groups : int or None, default=None
        Number of codes per row, each from its own code book; None for 8, for a detector 4, and 1 if rows may be
        anomalies, as many combinations of codes could represent them too. Images have one code for each position of
        their coarsest feature map.
    n_codes : int or None, default=None
        Entries of each code book; None for 32, for a detector one in 20 rows, between 4 and 32 (8 if rows may be
        anomalies), for images one in 25 rows, between 16 and 64: the prior cannot learn more.
    code_dim : int or None, default=None
        Dimension of an entry; None for 8, for a detector 4.
    hidden : tuple of int or None, default=None
        Hidden widths of encoder and decoder; None for (128, 128), for a detector (64, 64). For tables.
    beta : float or None, default=None
        Weight of the divergence between the sampled codes and their prior; a larger weight removes detail from the
        codes. None for 0.1, and 0 for images, whose prior is trained in a second stage.
    prior_width : int or None, default=None
        Hidden units of the prior: 64 per code book, 32 for a detector.
    max_steps : int or None, default=None
        Steps of a full run of the autoencoder and of its prior if the trainer's ``max_epochs`` is "auto"; None for
        7,500, and 180 for a detector of images, whose codes detect anomalies best before they represent every detail.
        For sampling, and for images.
    noise : float, tuple of float or None, default=None
        Standard deviation of the noise on a detector's input in training, in scaled units; None for 0.1 and 0.3 in
        turns, and 1 if rows may be anomalies, so that single anomalies get no entry of their own.

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
        "images": {"beta": 0.0},
    }  # fmt: skip
    image_estimators: ClassVar[int] = 3
    only_for: ClassVar[Mapping[str, str]] = {"max_steps": "sampling"}
    not_for_images: ClassVar[frozenset[str]] = frozenset({"groups", "hidden", "column_groups"})
    score_methods: ClassVar[tuple[str, ...]] = QuantizedModel.score_methods
    groups: int | None = None
    n_codes: int | None = None
    code_dim: int | None = None
    hidden: tuple[int, ...] | None = None
    prior_width: int | None = None
    max_steps: int | None = None

    def for_image_detection(self) -> VQVAE:
        """Return this recipe with the number of steps for image scores."""
        if self.max_steps is not None:
            return self
        recipe: VQVAE = clone(self).set_params(max_steps=STEPS_TO_SCORE_IMAGES)
        return recipe

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        own, networks = self.settings(layout), self.networks(layout)
        places = networks.n_codes_a_row
        if places is None:
            most = 8 if self.task == "robust detection" else 32
            n_codes = own.n_codes or max(4, min(most, layout.n_rows // 20))
            quantizer: Quantizer = StochasticQuantizer(networks.members * own.groups, n_codes, own.code_dim)
        else:
            n_codes = self.n_codes or max(16, min(64, layout.n_rows // 25))
            quantizer = NearestQuantizer(places, n_codes, own.code_dim)
        return QuantizedModel(
            networks,
            tuple(own.hidden),
            quantizer,
            prior_width=own.prior_width,
            column_groups=self.column_groups,
            noises=in_turns(own.noise, networks.members),
            beta=own.beta,
            warmup=own.warmup,
            max_steps=self.max_steps or MAX_STEPS,
            learning_rate=own.learning_rate,
        )
