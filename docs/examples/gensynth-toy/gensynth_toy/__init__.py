"""A gensynth plugin with one family of models: latent class analysis."""

from collections.abc import Callable

from gensynth import ModelSpec, hookimpl

GENSYNTH_API_VERSION = 1


@hookimpl
def register_models(register: Callable[[ModelSpec], None]) -> None:
    """Announce the model; gensynth_toy.recipes (and torch) is imported when it is first used."""
    register(
        ModelSpec(
            name="latent-classes",
            target="gensynth_toy.recipes:LatentClasses",
            summary="Latent class analysis: rows are independent within a hidden class",
            capabilities=frozenset({"sample", "conditional", "impute", "score"}),
            score_methods=("likelihood",),
        )
    )
