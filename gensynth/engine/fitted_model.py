"""A fitted model, which every estimator holds: it samples, imputes and scores."""

from __future__ import annotations

import copy
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.constraints import check_parameters
from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.engine.capabilities import require
from gensynth.engine.inputs.encoded_stream import encoded_stream
from gensynth.engine.inputs.encoded_table import EncodedTable
from gensynth.engine.inputs.tables import warn_of_unseen
from gensynth.engine.latents import decode_latents, encode_rows
from gensynth.engine.sampling.chunks import ChunkedSample, entropy_of_chunk, generators_of
from gensynth.engine.sampling.imputation import fill_cells, missing_cells, put_columns
from gensynth.engine.scoring.row_scores import make_scorer
from gensynth.errors import OptionError
from gensynth.model import GenerativeModel, HasLatents, Recipe
from gensynth.nn.randomness import seeded
from gensynth.schema import TableSchema
from gensynth.tables import Container, TableStream
from gensynth.training import Trainer
from gensynth.training.distributed import once_a_machine
from gensynth.training.weights import Parts

CHUNK_ROWS = 2**17
"""Rows per random seed, in sampling and imputation."""
CHUNK_PIXELS = 2**24
"""Maximal number of image values per seed, but at least 1,024 images."""

_ONE_AT_A_TIME = threading.Lock()
"""Lock for creating a scorer: threads may share a fitted model."""


class FittedModel:
    """A fitted model: recipe, table encoder, trained network, and training result.

    Parameters
    ----------
    recipe : Recipe
        The recipe that was built.
    encoder : TableEncoder
        Table to encoded rows and back; knows the schema.
    model : GenerativeModel
        The trained network; put in eval mode.
    container : Container
        What was fitted, and what samples come back as.
    seed : int
        Seed that reproduces the fit.
    history : DataFrame
        One row per evaluation of the training.
    held_out : Parts or None
        Rows of the table that training did not learn from; None for a model that was read from a file.
    """

    def __init__(
        self,
        recipe: Recipe,
        encoder: TableEncoder,
        model: GenerativeModel,
        container: Container,
        seed: int,
        history: pd.DataFrame,
        held_out: Parts | None = None,
    ) -> None:
        self.recipe = recipe
        self.encoder = encoder
        self.model = model.eval()
        self.container = container
        self.seed = seed
        self.history = history
        self.held_out = held_out
        self._scorer: GenerativeModel | None = None

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        container: Container,
        recipe: Recipe,
        trainer: Trainer,
        seed: int,
        *,
        resume: bool = False,
        **options: Any,
    ) -> Self:
        """Encode a table and train a recipe on it: `EncodedTable.encode`, which takes ``options``, and `train`."""
        check_fit(recipe, trainer)
        table = EncodedTable.encode(frame, container, recipe.encoding, **options)
        return cls.train(table, recipe, trainer, seed, resume=resume)

    @classmethod
    def fit_stream(
        cls, stream: TableStream, recipe: Recipe, trainer: Trainer, seed: int, *, resume: bool = False, **options: Any
    ) -> Self:
        """The same for a table larger than memory: `encoded_stream`, which takes ``options``, and `train`.

        Where several processes train together, one of each machine encodes the table.
        """
        check_fit(recipe, trainer)
        with once_a_machine(encoded_stream(stream, recipe.encoding, seed=seed, **options)) as table:
            return cls.train(table, recipe, trainer, seed, resume=resume)

    @classmethod
    def train(cls, table: EncodedTable, recipe: Recipe, trainer: Trainer, seed: int, *, resume: bool = False) -> Self:
        """Build a recipe for an encoded table and train it.

        Parameters
        ----------
        table : EncodedTable
            Encoded as the recipe wants it.
        recipe : Recipe
            What to build.
        trainer : Trainer
            How to train.
        seed : int
            Seed in [0, 2**32) of initialisation and training.
        resume : bool
            Go on from the trainer's checkpoint of an interrupted fit with the same arguments.

        Raises
        ------
        CapabilityError
            There are images, and the family cannot learn them.
        OptionError
            A parameter of recipe or trainer has a value that it cannot have.
        TrainingError
            Training met a loss that is not finite.
        """
        check_fit(recipe, trainer)
        layout = table.encoder.layout
        if layout.image is not None:
            require(recipe, "images")
        with seeded(seed):
            model = recipe.build(layout)
        parameters = {f"model.{name}": value for name, value in recipe.to_json().items()}
        result = trainer.run(
            model,
            table.batch,
            seed,
            resume=resume,
            identity={"model": type(recipe).__qualname__, **parameters},
            rebuild=lambda: recipe.build(layout),
            weights=table.weights,
        )
        history = pd.DataFrame(result.history)
        return cls(recipe, table.encoder, model, table.container, seed, history, result.held_out)

    @property
    def schema(self) -> TableSchema:
        """The schema of the columns."""
        return self.encoder.schema

    @property
    def n_epochs(self) -> int:
        """Number of trained epochs over all stages, at least 1."""
        last = dict(zip(self.history.get("stage", ()), self.history.get("epoch", ()), strict=True))
        return max(1, round(sum(last.values())))

    @property
    def scorer(self) -> GenerativeModel:
        """The copy of the model that computes scores (`make_scorer`), made at the first call."""
        with _ONE_AT_A_TIME:
            if self._scorer is None:
                self._scorer = make_scorer(self.model)
            return self._scorer

    def in_float64(self) -> FittedModel:
        """Return a copy whose network samples and scores in float64."""
        model = copy.deepcopy(self.model).double()
        return FittedModel(self.recipe, self.encoder, model, self.container, self.seed, self.history, self.held_out)

    def to(self, device: str) -> Self:
        """Move the network to a device for sampling and scoring."""
        self.model.to(device)
        self._scorer = None
        return self

    def encode(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, Rows]:
        """Return new rows aligned with the fitted columns, and encoded, with their ``log_jacobian``.

        Raises
        ------
        DataError
            The table lacks a column or holds a value that cannot be read.
        """
        frame = self.schema.align(frame)
        rows = self.encoder.encode(frame, jacobian=True)
        warn_of_unseen(frame, rows, self.encoder)
        return frame, rows

    def sample(
        self, n: int, conditions: Mapping[Any, Any] | pd.DataFrame | None, random: Sequence[int]
    ) -> pd.DataFrame:
        """Sample ``n`` rows that meet conditions, as `gensynth.Synthesizer.sample` describes.

        Parameters
        ----------
        n : int
            Number of rows, >= 0.
        conditions : mapping, DataFrame or None
            Cells that are given.
        random : sequence of int
            What the draws are a function of, each >= 0.

        Raises
        ------
        ConditionError
            A condition cannot be met.
        CapabilityError
            The family cannot condition.
        """
        return ChunkedSample(self, n, conditions, random).whole()

    @property
    def chunk_rows(self) -> int:
        """Number of rows sampled from one seed, and in memory at a time."""
        image = self.encoder.layout.image
        return CHUNK_ROWS if image is None else min(CHUNK_ROWS, max(CHUNK_PIXELS // image.n_values, 1_024))

    def impute(
        self,
        frame: pd.DataFrame,
        random: Sequence[int],
        *,
        chunk: int = 0,
        held: Collection[str | int] = (),
    ) -> pd.DataFrame:
        """Return a table of n rows with its missing cells sampled given the other cells of their row.

        Every `CHUNK_ROWS` rows are drawn from a seed of their own.

        Parameters
        ----------
        frame : DataFrame
            The fitted columns, in any order; others come back untouched.
        random : sequence of int
            As for `sample`.
        chunk : int
            Number of the first chunk, where the frame is a part of a larger table.
        held : collection of column labels
            Columns that hold something in another part of it.

        Raises
        ------
        CapabilityError
            The family cannot impute.
        """
        aligned = self.schema.align(frame)
        gaps = missing_cells(aligned, self.encoder)
        parts: dict[str | int, list[pd.Series[Any]]] = {name: [] for name in gaps}
        for number, first in enumerate(range(0, len(frame) if gaps else 0, CHUNK_ROWS), chunk):
            part = slice(first, first + CHUNK_ROWS)
            own = {name: gap[part] for name, gap in gaps.items() if gap[part].any()}
            if own:
                seed, rng = generators_of(entropy_of_chunk(random, number))
                drawn = fill_cells(aligned.iloc[part], own, self.encoder, self.model, seed, rng)
                for name, values in drawn.items():
                    parts[name].append(values)
        return put_columns(frame, gaps, parts, self.schema, held)

    @property
    def latent_dim(self) -> int:
        """Dimension of the model's latents, for families with the capability "latent"."""
        return cast("HasLatents", self.model).latent_dim

    def to_latents(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return the means (n, latent_dim) of the posteriors of n rows."""
        _, rows = self.encode(frame)
        return encode_rows(self.scorer, rows)

    def from_latents(self, latents: NDArray[np.float64], random: Sequence[int]) -> pd.DataFrame:
        """Sample one row for each latent (n, latent_dim); ``random`` as for `sample`."""
        seed, rng = generators_of(random)
        rows = decode_latents(self.model, self.encoder, latents, seed, rng)
        return self.encoder.decode(rows, rng)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_scorer": None}


def check_fit(recipe: Recipe, trainer: Trainer) -> None:
    """Raise `OptionError` for an invalid parameter of recipe or trainer."""
    recipe.check()
    if not isinstance(trainer, Trainer):
        raise OptionError(f"trainer={trainer!r}, expected a gensynth.Trainer or None")
    check_parameters(trainer, "trainer.")
