"""Recipes of families: hyperparameters with defaults for each task, and the networks for a layout and task."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import SimpleNamespace
from typing import Any, ClassVar, Self

from sklearn.base import clone

from gensynth.constraints import NONE, Constraint, number, one_of, whole
from gensynth.errors import OptionError
from gensynth.layout import Encoding, Layout
from gensynth.model import Recipe
from gensynth.nn.image.networks import ImageNetworks
from gensynth.nn.layers import fitting_rate
from gensynth.nn.networks import Networks
from gensynth.nn.tabular.ensemble_networks import EnsembleNetworks
from gensynth.nn.tabular.sampling_networks import SamplingNetworks

TaskDefaults = Mapping[str, Mapping[str, Any]]
"""Values of hyperparameters by task and name."""


def networks_for(layout: Layout, task: str, *, members: int, embedding_dim: int, dropout: float) -> Networks:
    """Return the networks of a family for this layout and task.

    Parameters
    ----------
    layout : Layout
        Layout of the rows.
    task : {"sampling", "detection", "robust detection"}
        Purpose of the model; "robust detection": the training rows may hold anomalies.
    members : int
        Number of networks in the ensemble; 1 for sampling.
    embedding_dim : int
        Dimension of cell embeddings, for sampling.
    dropout : float
        Fraction of units dropped in training, in [0, 1), for sampling.
    """
    if layout.image is not None:
        return ImageNetworks(layout, embedding_dim, dropout)
    if task == "sampling":
        return SamplingNetworks(layout, embedding_dim, dropout)
    return EnsembleNetworks(layout, members, robust=task == "robust detection")


@dataclass(eq=False)
class TaskRecipe(Recipe):
    """Hyperparameters of a family that serves sampling and detection.

    Hyperparameters that are None take the task's default (`by_task`).

    Parameters
    ----------
    task : {"sampling", "detection", "robust detection"}, default="sampling"
        Purpose of the model, set by an anomaly detector: "robust detection" if the rows may hold anomalies.
    n_members : int or None, default=None
        Number of networks in an ensemble, trained together; always 1 for sampling.
    learning_rate : float or None, default=None
        Step size.
    max_levels : int or None, default=None
        Maximal number of categories of a column, the rarer ones share a code; None for 1000, for a detector 64.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "task": one_of("sampling", "detection", "robust detection"),
        "n_members": NONE | whole(1, 1024),
        "learning_rate": NONE | number(0, open_low=True),
        "max_levels": NONE | whole(1, 10_000),
    }
    by_task: ClassVar[TaskDefaults] = {}
    """Defaults of a task, added up over the classes of a recipe; "robust detection" has those of "detection" too, where
    it has none of its own, and rows with an image have those of "images" too: one model draws and scores them. What the
    other task alone reads can have a value here that means nothing to this one: no warm-up, no penalty."""
    only_for: ClassVar[Mapping[str, str]] = {"n_members": "detection"}
    """Hyperparameters that "sampling" or "detection" alone reads; added up over the classes of a recipe."""

    not_for_images: ClassVar[frozenset[str]] = frozenset()
    """Hyperparameters that nothing reads where rows have an image."""

    task: str = "sampling"
    n_members: int | None = None
    learning_rate: float | None = None
    max_levels: int | None = None

    @property
    def encoding(self) -> Encoding:
        """`bins` for sampling; standardised values for scoring, so that outliers stay far out."""
        if self.task == "sampling":
            return self.bins(self.max_levels or 1000)
        return Encoding("standard", max_atoms=0, max_levels=self.max_levels or 64)

    @abstractmethod
    def bins(self, max_levels: int) -> Encoding:
        """Return the encoding for sampling, with numbers in bins."""

    @property
    def able(self) -> frozenset[str]:
        """`capabilities`; a detector's networks can only score rows."""
        return self.capabilities if self.task == "sampling" else self.capabilities & {"score"}

    def check(self) -> None:
        """Raise `OptionError` for a value that is invalid or unused by the task; fits call it first."""
        super().check()
        own, unread = self._kind_of_task, self._unread()
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in unread and value != field.default:
                other = unread[field.name]
                raise OptionError(
                    f"model.{field.name}={value!r} is for {other}; a model for {own} does not use it: leave it out"
                )

    @property
    def _kind_of_task(self) -> str:
        return "sampling" if self.task == "sampling" else "detection"

    def _unread(self) -> dict[str, str]:
        """Return the hyperparameters that only the other task uses, with that task."""
        read_by: dict[str, str] = {}
        for kind in reversed(type(self).__mro__):
            read_by |= vars(kind).get("only_for", {})
        return {name: task for name, task in read_by.items() if task != self._kind_of_task}

    def for_detection(self, *, contaminated: bool, members: int | None = None) -> Self:
        """Return this recipe for an anomaly detector, with ``members`` networks if given."""
        recipe: Self = clone(self)
        recipe.set_params(task="robust detection" if contaminated else "detection")
        return recipe if members is None else recipe.set_params(n_members=members)

    def settings(self, layout: Layout | None = None) -> SimpleNamespace:
        """Return the hyperparameters, with the defaults of task and layout for those that are None or unused.

        Raises
        ------
        OptionError
            A value is invalid, or not used by the task.
        """
        self.check()
        chosen: dict[str, Any] = {}
        tasks = ("detection", self.task) if self.task == "robust detection" else (self.task,)
        if layout is not None and layout.image is not None:
            self._check_for_images()
            tasks = (*tasks, "images")
        for task in tasks:
            for kind in reversed(type(self).__mro__):
                chosen |= vars(kind).get("by_task", {}).get(task, {})
        given, unread = self.get_params(deep=False), self._unread()
        own = {name: value for name, value in given.items() if value is not None and name not in unread}
        return SimpleNamespace(**{**given, **chosen, **own})

    def _check_for_images(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in self.not_for_images and value != field.default:
                raise OptionError(f"model.{field.name}={value!r} is for tables; a model of images does not read it")


@dataclass(eq=False)
class FamilyRecipe(TaskRecipe):
    """Hyperparameters of a family with one model for sampling and detection, on the networks of `networks_for`.

    Parameters
    ----------
    embedding_dim : int, default=16
        Dimension of cell embeddings, for sampling.
    dropout : float or None, default=None
        Fraction of units dropped in training, in [0, 1), for sampling; None depends on the number of rows.
    max_bins : int, default=100
        Maximal number of quantile bins of a numeric column, for sampling.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "embedding_dim": whole(1, 4096),
        "dropout": NONE | number(0, 1, open_high=True),
        "max_bins": whole(2, 10_000),
    }
    only_for: ClassVar[Mapping[str, str]] = dict.fromkeys(("embedding_dim", "dropout", "max_bins"), "sampling")

    embedding_dim: int = 16
    dropout: float | None = None
    max_bins: int = 100

    def bins(self, max_levels: int) -> Encoding:
        """Return quantile bins."""
        return Encoding("bins", max_bins=self.max_bins, max_levels=max_levels)

    def networks(self, layout: Layout) -> Networks:
        """Return the networks of the model."""
        dropout = self.fitting_dropout(layout) if self.dropout is None else self.dropout
        members = 1 if self.task == "sampling" else int(self.settings().n_members)
        return networks_for(layout, self.task, members=members, embedding_dim=self.embedding_dim, dropout=dropout)

    def fitting_dropout(self, layout: Layout) -> float:
        """Return the default dropout for the size of the table."""
        return fitting_rate(layout.n_rows)


def in_turns(value: Any, members: int) -> list[Any]:
    """Return one value for each member, cycling through them.

    Members 0 and 1, one for each feature scaling, have the first entry of a tuple, members 2 and 3 the next, and so on.
    """
    choices: Sequence[Any] = value if isinstance(value, tuple | list) else (value,)
    return [choices[i // 2 % len(choices)] for i in range(members)]
