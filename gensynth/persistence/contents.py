"""Contents of a file: an estimator's parameters, its fitted models, and further arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from gensynth.arrays import Arrays, arrays_of, named
from gensynth.encoding.tablestate import table_from_state, table_state
from gensynth.engine.fitted_model import FittedModel
from gensynth.model import Recipe
from gensynth.nn.randomness import seeded
from gensynth.nn.tabular.autoregressive_density import AutoregressiveDensity
from gensynth.persistence.members import Archive
from gensynth.persistence.parameters import parameters_from_json, parameters_to_json
from gensynth.persistence.recipes import recipe_from_json, recipe_to_json
from gensynth.persistence.tensors import load_weights, weights_of
from gensynth.registry import Registry
from gensynth.tables import Container
from gensynth.training import pick_device

Estimator = TypeVar("Estimator", bound=BaseEstimator)


@dataclass(frozen=True)
class Contents:
    """Contents of a fitted estimator's file.

    Parameters
    ----------
    kind : str
        Which estimator: "synthesizer", "detector".
    parameters : dict
        Of its constructor, but for the model.
    models : tuple of FittedModel
        At least one, of one recipe and one encoder.
    density : FittedModel or None
        A density of the rows beside them, with their encoder.
    feature_names : tuple of str or None
        ``feature_names_in_``; None where the columns had no names.
    n_features : int
        ``n_features_in_``.
    state : dict
        What else it keeps, as plain JSON values.
    arrays : dict of str to ndarray
        Likewise, as arrays.
    """

    kind: str
    parameters: Mapping[str, Any]
    models: tuple[FittedModel, ...]
    n_features: int
    feature_names: tuple[str, ...] | None
    state: Mapping[str, Any] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)
    density: FittedModel | None = None

    @classmethod
    def of(
        cls,
        kind: str,
        estimator: BaseEstimator,
        models: Sequence[FittedModel],
        state: Mapping[str, Any] | None = None,
        arrays: Arrays | None = None,
        density: FittedModel | None = None,
    ) -> Self:
        """Return the contents for a fitted estimator."""
        names = getattr(estimator, "feature_names_in_", None)
        return cls(
            kind,
            estimator.get_params(deep=False),
            tuple(models),
            estimator.n_features_in_,
            None if names is None else tuple(map(str, names)),
            state or {},
            arrays or {},
            density,
        )

    def restore(self, kind: type[Estimator]) -> Estimator:
        """Return an estimator with the parameters and the names of the features, not yet fitted."""
        out: Estimator = kind(model=self.models[0].recipe, **self.parameters)
        out.n_features_in_ = self.n_features
        if self.feature_names is not None:
            out.feature_names_in_ = np.array(self.feature_names, dtype=object)
        return out

    def pack(self, registry: Registry) -> Archive:
        """Return the members of a file.

        Raises
        ------
        PluginError
            The recipe is not registered.
        """
        first = self.models[0]
        encoder, encoder_arrays = table_state(first.encoder)
        arrays = named("own", self.arrays) | named("encoder", encoder_arrays)
        models = []
        fitted = [*self.models, *([] if self.density is None else [self.density])]
        for i, model in enumerate(fitted):
            stages, columns = _pack_history(model.history)
            models.append({"seed": model.seed, "stages": stages})
            arrays |= named(f"history.{i}", columns)
        state = {
            "recipe": recipe_to_json(first.recipe, registry),
            "encoder": encoder,
            "container": first.container.to_json(),
            "models": models,
            "density": None if self.density is None else self.density.recipe.to_json(),
            "parameters": parameters_to_json(self.parameters),
            "features": {"n": self.n_features, "names": self.feature_names},
            "own": dict(self.state),
        }
        return Archive(self.kind, state, arrays, weights_of([model.model for model in fitted]))

    @classmethod
    def unpack(cls, archive: Archive, device: str, registry: Registry) -> Self:
        """Return the contents of a file; invalid members may raise any error.

        Raises
        ------
        UnknownModelError
            The plugin of the model is not installed.
        OptionError
            The device is not there.
        """
        state, place = archive.state, pick_device(device)
        recipe = recipe_from_json(state["recipe"], registry)
        encoder = table_from_state(state["encoder"], arrays_of("encoder", archive.arrays))
        container = Container.from_json(state["container"])
        recipes: list[Recipe] = [recipe] * len(state["models"])
        if state.get("density") is not None:
            recipes[-1] = AutoregressiveDensity(**state["density"])
        with seeded(0):
            networks = [own.build(encoder.layout) for own in recipes]
        load_weights(networks, archive.weights)
        models = []
        for i, (entry, own, network) in enumerate(zip(state["models"], recipes, networks, strict=True)):
            history = _unpack_history(entry["stages"], arrays_of(f"history.{i}", archive.arrays))
            models.append(FittedModel(own, encoder, network.to(place), container, int(entry["seed"]), history))
        density = None if recipes[-1] is recipe else models.pop()
        names = state["features"]["names"]
        return cls(
            archive.kind,
            parameters_from_json(state["parameters"]),
            tuple(models),
            int(state["features"]["n"]),
            None if names is None else tuple(names),
            dict(state["own"]),
            arrays_of("own", archive.arrays),
            density,
        )


def _pack_history(history: pd.DataFrame) -> tuple[list[str], dict[str, NDArray[Any]]]:
    """Return the stages as JSON, the numbers as arrays: JSON has neither NaN nor infinity.

    The seconds that training took stay out: two fits with one seed are the same bytes.
    """
    numbers = history.drop(columns=["stage", "seconds"], errors="ignore")
    stages = [str(stage) for stage in history["stage"]] if "stage" in history else []
    # safetensors sorts names: the position keeps the order of the columns
    columns = {f"{i:03d}.{name}": np.array(numbers[name], np.float64) for i, name in enumerate(numbers.columns)}
    return stages, columns


def _unpack_history(stages: list[str], arrays: Arrays) -> pd.DataFrame:
    columns = {name.partition(".")[2]: arrays[name] for name in sorted(arrays)}
    numbers = {name: v.astype(np.int64) if name == "step" else v for name, v in columns.items()}
    return pd.DataFrame({"stage": [str(stage) for stage in stages], **numbers} if stages else {})
