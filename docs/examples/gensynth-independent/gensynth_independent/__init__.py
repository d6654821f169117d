"""A gensynth plugin: columns drawn by themselves."""

from gensynth import ModelSpec, hookimpl

GENSYNTH_API_VERSION = 1


@hookimpl
def register_models(register):
    """Announce the model."""
    target = "gensynth_independent.recipes:Independent"
    register(ModelSpec("independent", target, "Independent columns", score_methods=("likelihood",)))
