"""A tiny model of images and the columns beside them, and images for it: tests of the engine train it in no time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from gensynth import Synthesizer, Trainer
from gensynth.hookspecs import ModelSpec, hookimpl
from gensynth.model import Batch, GenerativeModel, Layout, Observed, Optimizer, Phase, Recipe, Score, Stage
from gensynth.registry import Registry

QUICK = Trainer(max_epochs=10, batch_size=32, progress=False, device="cpu")


def bars(n: int = 120, seed: int = 0, channels: int | None = None) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images (n, 8, 6) or (n, 8, 6, channels) of a bright row, one of three, and which one it is."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    shape = (n, 8, 6) if channels is None else (n, 8, 6, channels)
    images = rng.integers(0, 60, shape, dtype=np.uint8)
    for i, label in enumerate(labels.tolist()):
        images[i, 1 + 2 * label] += 180
    return images, labels


def synthesizer(**options: Any) -> Synthesizer:
    """Return one of `ToyImages` that trains in no time."""
    return Synthesizer(ToyImages(), **{"trainer": QUICK, "random_state": 0, **options})


class ToyImagesModel(GenerativeModel):
    """Pixels and codes that are independent given the code of the first column: normal ones, and tables."""

    score_methods: ClassVar[tuple[str, ...]] = ("likelihood", "whole", "places")

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        assert layout.image is not None
        classes = layout.columns[0].cardinality if layout.columns else 1
        self.mean = nn.Parameter(torch.full((classes, *layout.image.shape), 0.5))
        self.log_scale = nn.Parameter(torch.full(layout.image.shape, -1.0))
        self.logits = nn.ParameterList(torch.zeros(column.cardinality) for column in layout.columns)
        self.mix = nn.Conv2d(layout.image.channels, 4, 3, padding=1)  # something whose rounding could differ by row

    def _class(self, codes: Tensor) -> Tensor:
        return codes[:, 0] if self.layout.columns else codes.new_zeros(len(codes))

    def costs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return (n, k) of the columns and (n, h, w) of the places."""
        z = (batch.images - self.mean[self._class(batch.codes)]) / self.log_scale.exp()
        places = (z**2 / 2 + self.log_scale).sum(1) + 1e-3 * self.mix(batch.images).sum(1) ** 2
        columns = [-p.log_softmax(0)[batch.codes[:, i]] for i, p in enumerate(self.logits)]
        return torch.stack(columns, 1) if columns else places.new_zeros(len(batch), 0), places

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        columns, places = self.costs(batch)
        return columns.sum(1) + places.flatten(1).sum(1)

    def stages(self) -> tuple[Stage, ...]:
        return (Stage("images", (Phase("likelihood", tuple(self.parameters()), self.loss, Optimizer(0.05)),)),)

    def generate(self, n: int, rng: Generator, observed: Observed | None = None) -> Batch:
        codes = [torch.multinomial(self._known(p), n, True, generator=rng) for p in self.logits]
        drawn = torch.stack(codes, 1) if codes else torch.zeros(n, 0, dtype=torch.int64)
        batch = Batch(torch.rand(n, self.layout.n_numeric, generator=rng), drawn)
        batch = batch if observed is None else observed.put_into(batch, self.layout)
        mean = self.mean[self._class(batch.codes)]
        pixels = (mean + self.log_scale.exp() * torch.randn(mean.shape, generator=rng)).clamp(0, 1)
        return Batch(batch.numeric, batch.codes, pixels=pixels)

    @staticmethod
    def _known(logits: Tensor) -> Tensor:
        return torch.cat([torch.zeros(1), logits[1:].softmax(0)])

    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:
        columns, places = self.costs(batch)
        rows = -columns.sum(1) - places.flatten(1).sum(1)
        if not attribute or method == "whole":
            return Score(rows)
        return Score(rows, None if method == "places" else columns, places)


@dataclass(eq=False)
class ToyImages(Recipe):
    """Recipe of `ToyImagesModel`."""

    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "conditional", "impute", "score", "images"})
    score_methods: ClassVar[tuple[str, ...]] = ToyImagesModel.score_methods
    mixed: bool = False

    @property
    def score_weights(self) -> dict[str, float]:
        return {"likelihood": 0.5, "whole": 0.5} if self.mixed else {}

    def build(self, layout: Layout) -> ToyImagesModel:
        return ToyImagesModel(layout)


@hookimpl
def register_models(register: Callable[[ModelSpec], None]) -> None:
    methods = ToyImages.score_methods
    register(ModelSpec("toy-images", "toy_image_recipe:ToyImages", "for tests", ToyImages.capabilities, methods))


def image_registry() -> Registry:
    """Return a registry that holds the recipe alone."""
    return Registry([EntryPoint("toy-images", "toy_image_recipe", "gensynth")], strict=True)
