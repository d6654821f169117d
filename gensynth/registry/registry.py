"""Registry of models: from a name to its recipe, without importing torch before a recipe is used."""

from __future__ import annotations

import difflib
import functools
import importlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from gensynth.errors import PluginError, UnknownModelError
from gensynth.hookspecs import ModelSpec
from gensynth.registry.discovery import Plugin, PluginFailure, PluginHost


@dataclass(frozen=True)
class ModelEntry:
    """A registered model with its distribution and version."""

    spec: ModelSpec
    distribution: str
    version: str

    @property
    def qualified_name(self) -> str:
        """``distribution/name``, which stays unique when two plugins use the same name."""
        return f"{self.distribution}/{self.spec.name}"


class Registry:
    """The installed plugins and their models.

    A plugin that fails to import, misspells a hook, asks for a newer API or breaks in `register_models` is recorded
    in `failures` with one `PluginWarning`; the others load.

    Parameters
    ----------
    entry_points, only, strict
        Where to look, what to load, whether to raise: see `PluginHost`. By default the installed distributions,
        ``GENSYNTH_PLUGINS`` and ``GENSYNTH_STRICT``.
    """

    def __init__(
        self,
        entry_points: Iterable[EntryPoint] | None = None,
        *,
        only: Iterable[str] | None = None,
        strict: bool | None = None,
    ) -> None:
        self._host = PluginHost(entry_points, only=only, strict=strict)
        self._models: list[ModelEntry] = []
        for plugin in self.plugins():
            own: list[ModelEntry] = []
            # all of a plugin's models or, when it breaks half-way, none
            if self._host.call(plugin, "register_models", register=functools.partial(self._register, own, plugin)):
                self._models += own
            else:
                self._host.drop(plugin)

    @property
    def failures(self) -> list[PluginFailure]:
        """Plugins that did not load or broke in a hook, in the order of discovery."""
        return list(self._host.failures)

    def plugins(self) -> list[Plugin]:
        """Return the plugins that loaded, in the order of discovery."""
        return list(self._host.plugins)

    def models(self) -> list[ModelEntry]:
        """Return every registered model, by name and then distribution; a name may stand twice."""
        return sorted(self._models, key=lambda e: (e.spec.name, e.distribution))

    def entry(self, name: str) -> ModelEntry:
        """Return the model of this name, written ``name`` or ``distribution/name``.

        Raises
        ------
        UnknownModelError
            No model has this name, or several distributions have it and the bare name was written.
        """
        found = [e for e in self._models if name in (e.spec.name, e.qualified_name)]
        if not found:
            raise UnknownModelError(self._unknown(name))
        if len(found) > 1:
            names = " or ".join(sorted(repr(e.qualified_name) for e in found))
            raise UnknownModelError(f"several plugins have a model {name!r}: write {names}")
        return found[0]

    def recipe(self, name: str) -> type[Any]:
        """Import the recipe class of a model (``name`` or ``distribution/name``).

        Raises
        ------
        UnknownModelError
            See `entry`.
        PluginError
            The class cannot be imported, or is not a `gensynth.model.Recipe`.
        """
        return self.load(self.entry(name))

    def load(self, entry: ModelEntry) -> type[Any]:
        """Import the recipe class of an entry; raises `PluginError` as `recipe` does."""
        spec = entry.spec
        who = f"model {spec.name!r} of {entry.distribution} {entry.version}"
        module, _, name = spec.target.partition(":")
        try:
            found = getattr(importlib.import_module(module), name)
        except Exception as error:
            raise PluginError(
                f"{who}: importing {spec.target} failed with {type(error).__name__}: {error}; reinstall or upgrade "
                f"{entry.distribution}, or report this to its authors"
            ) from error
        # a Recipe's module imports the contract, so this is no import: the registry itself must not need torch
        contract = sys.modules.get("gensynth.model")
        if contract is None or not (isinstance(found, type) and issubclass(found, contract.Recipe)):
            raise PluginError(f"{who}: {spec.target} is not a subclass of gensynth.model.Recipe")
        recipe: type[Any] = found
        if _abilities(recipe) != _abilities(spec):
            raise PluginError(
                f"{who} announces {_abilities(spec)}, but {name} has {_abilities(recipe)}: they must be the same"
            )
        return recipe

    def entry_of(self, recipe: object) -> ModelEntry | None:
        """Return where a recipe's class is registered; None if nowhere."""
        for entry in self.models():
            module, _, name = entry.spec.target.partition(":")
            if getattr(sys.modules.get(module), name, None) is type(recipe):
                return entry
        return None

    def able(self, *capabilities: str) -> list[str]:
        """Return the names of the models that have one of these capabilities."""
        return [e.spec.name for e in self.models() if not e.spec.capabilities.isdisjoint(capabilities)]

    def add_commands(self, app: Any) -> None:
        """Let every plugin add its commands to the typer application."""
        for plugin in self.plugins():
            self._host.call(plugin, "register_commands", app=app)

    def metrics(self) -> dict[str, Callable[..., Any]]:
        """Return the plugins' metrics by name; a name used twice stands as ``distribution/name``."""
        found: list[tuple[str, str, Callable[..., Any]]] = []
        for plugin in self.plugins():
            own: dict[str, Callable[..., Any]] = {}
            if self._host.call(plugin, "register_metrics", register=own.__setitem__):
                found += [(name, plugin.distribution, function) for name, function in own.items()]
        names = [name for name, _, _ in found]
        return {n if names.count(n) == 1 else f"{distribution}/{n}": f for n, distribution, f in found}

    def datasets(self) -> list[Path]:
        """Return the paths of the plugins' data set cards, or of folders of cards."""
        found: list[Path] = []
        for plugin in self.plugins():
            own: list[Path] = []
            if self._host.call(plugin, "register_datasets", register=own.append):
                found += [Path(path) for path in own]
        return found

    def _register(self, own: list[ModelEntry], plugin: Plugin, spec: ModelSpec) -> None:
        if not isinstance(spec, ModelSpec):
            raise PluginError(f"register takes a gensynth.ModelSpec, not {type(spec).__name__}")
        entry = ModelEntry(spec, plugin.distribution, plugin.version)
        if entry.qualified_name in [e.qualified_name for e in (*own, *self._models)]:
            raise PluginError(f"{plugin.distribution} registers the model {spec.name!r} twice")
        own.append(entry)

    def _unknown(self, name: str) -> str:
        names = sorted({e.spec.name for e in self._models})
        lines = [f"no model is named {name!r}."]
        close = difflib.get_close_matches(name.lower(), [*names, *(e.qualified_name for e in self._models)], n=1)
        if close:
            lines.append(f"Did you mean {close[0]!r}?")
        if names:
            lines.append(f"Models: {', '.join(names)}.")
        elif self._host.only is not None:
            subset = ",".join(self._host.only)
            lines.append(f"GENSYNTH_PLUGINS={subset!r} leaves no model: unset it to load every plugin.")
        else:
            lines.append(
                "No model is installed: gensynth's own come with `pip install gensynth` (in its source tree "
                "`pip install -e .`; a folder on the path alone is not enough)."
            )
        if self.failures:
            lines.append(f"Plugins that did not load: {'; '.join(map(str, self.failures))}.")
        return " ".join(lines)


def _abilities(of: Any) -> str:
    return f"capabilities {sorted(of.capabilities)} and score_methods {list(of.score_methods)}"


@functools.cache
def default_registry() -> Registry:
    """Return the registry of the installed plugins, made at the first call and kept for the process."""
    return Registry()
