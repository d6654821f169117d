"""A plugin that uses names which other plugins use: both stay available, as ``distribution/name``."""

from collections.abc import Callable

from gensynth import ModelSpec, hookimpl


@hookimpl
def register_models(register: Callable[[ModelSpec], None]) -> None:
    """Announce two models whose names are taken."""
    register(ModelSpec("vae", "gensynth_rival:Missing", "Has the name of a built-in model"))
    register(ModelSpec("latent-classes", "gensynth_rival:Missing", "Has the name of gensynth-toy's model"))
