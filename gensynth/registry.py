"""What is installed: finds plugins, keeps apart those that are broken, and turns a model's name into its recipe.

pluggy makes the hook calls only. The search is our own: pluggy's stops at the first plugin that does not import,
and silently skips a second distribution that uses the same entry-point name.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.metadata
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from gensynth import hookspecs
from gensynth.errors import PluginError, UnknownModelError

if TYPE_CHECKING:
    from gensynth.model import Recipe

_NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


class PluginWarning(UserWarning):
    """A plugin did not load; the others did."""


@dataclass(frozen=True)
class ModelSpec:
    """A family of models as a plugin announces it, without importing it.

    Parameters
    ----------
    name : str
        Name that users write: lower-case letters, digits and ``. _ -``.
    target : str
        ``"package.module:Class"`` of the `gensynth.model.Recipe`, imported at first use.
    summary : str
        One line for the list of models.
    capabilities : frozenset of str
        What the family can do beyond sampling: "conditional" (sampling with given cells), "score".
    """

    name: str
    target: str
    summary: str = ""
    capabilities: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise PluginError(f"model name {self.name!r}: expected lower-case letters, digits and . _ - between them")
        if not isinstance(self.target, str) or not _TARGET.fullmatch(self.target):
            raise PluginError(f"target {self.target!r} of model {self.name!r}: expected 'package.module:Class'")
        object.__setattr__(self, "capabilities", frozenset(self.capabilities))

    @property
    def class_name(self) -> str:
        """Name of the recipe's class."""
        return self.target.partition(":")[2]


@dataclass(frozen=True)
class ModelEntry:
    """A registered model and the distribution (with its version) that brought it."""

    spec: ModelSpec
    distribution: str
    version: str

    @property
    def qualified_name(self) -> str:
        """``distribution/name``, which stays unique when two plugins use the same name."""
        return f"{self.distribution}/{self.spec.name}"


@dataclass(frozen=True)
class Plugin:
    """A plugin that loaded: entry-point name, distribution, version, and the hooks it implements."""

    name: str
    distribution: str
    version: str
    hooks: tuple[str, ...] = ()
    module: ModuleType | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class PluginFailure:
    """A plugin that did not load, or broke in a hook, and why."""

    name: str
    distribution: str
    version: str
    error: BaseException = field(compare=False)

    def __str__(self) -> str:
        return f"{self.name} of {self.distribution} {self.version} ({type(self.error).__name__}: {self.error})"


class Registry:
    """The plugins that are installed, and the models they bring.

    A plugin that fails to import, misspells a hook, asks for a newer API or breaks in `register_models` is recorded
    in `failures` with one `PluginWarning`; the others load.

    Parameters
    ----------
    entry_points : iterable of EntryPoint, optional
        Where plugins are; default: the installed distributions' entry points of the group "gensynth".
    only : iterable of str, optional
        Entry-point names to load; default: the environment variable ``GENSYNTH_PLUGINS`` (names separated by
        commas; set but empty loads none), else all.
    strict : bool, optional
        Raise a plugin's error instead of recording it; default: whether ``GENSYNTH_STRICT`` is ``1``.
    """

    def __init__(
        self,
        entry_points: Iterable[EntryPoint] | None = None,
        *,
        only: Iterable[str] | None = None,
        strict: bool | None = None,
    ) -> None:
        if only is None and (names := os.environ.get("GENSYNTH_PLUGINS")) is not None:
            only = [name.strip() for name in names.split(",") if name.strip()]
        self._only = None if only is None else tuple(dict.fromkeys(only))
        self._strict = os.environ.get("GENSYNTH_STRICT") == "1" if strict is None else strict
        self._manager = pluggy.PluginManager("gensynth")
        self._manager.add_hookspecs(hookspecs)
        self._plugins: list[Plugin] = []
        self._models: list[ModelEntry] = []
        self._failures: list[PluginFailure] = []
        if entry_points is None:
            entry_points = importlib.metadata.entry_points(group=hookspecs.ENTRY_POINT_GROUP)
        self._load_all(entry_points)

    @property
    def failures(self) -> list[PluginFailure]:
        """Plugins that did not load or broke in a hook, in the order of discovery."""
        return list(self._failures)

    def plugins(self) -> list[Plugin]:
        """Return the plugins that loaded, in the order of discovery."""
        return list(self._plugins)

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

    def recipe(self, name: str) -> type[Recipe]:
        """Import the recipe class of a model (``name`` or ``distribution/name``).

        Raises
        ------
        UnknownModelError
            See `entry`.
        PluginError
            The class cannot be imported, or is not a `gensynth.model.Recipe`.
        """
        return self.load(self.entry(name))

    def load(self, entry: ModelEntry) -> type[Recipe]:
        """Import the recipe class of an entry; raises `PluginError` as `recipe` does."""
        spec = entry.spec
        who = f"model {spec.name!r} of {entry.distribution} {entry.version}"
        module = spec.target.partition(":")[0]
        try:
            found = getattr(importlib.import_module(module), spec.class_name)
        except Exception as error:
            raise PluginError(
                f"{who}: importing {spec.target} failed with {type(error).__name__}: {error}; reinstall or upgrade "
                f"{entry.distribution}, or report this to its authors"
            ) from error
        # a Recipe's module imports the contract, so this is no import: the registry itself must not need torch
        contract = sys.modules.get("gensynth.model")
        if contract is None or not (isinstance(found, type) and issubclass(found, contract.Recipe)):
            raise PluginError(f"{who}: {spec.target} is not a subclass of gensynth.model.Recipe")
        recipe: type[Recipe] = found
        return recipe

    def name_of(self, recipe: Recipe | type[Recipe]) -> tuple[str, str, str] | None:
        """Return (name, distribution, version) under which a recipe or its class is registered, or None."""
        kind = recipe if isinstance(recipe, type) else type(recipe)
        for entry in self.models():
            module, _, name = entry.spec.target.partition(":")
            if getattr(sys.modules.get(module), name, None) is kind:
                return entry.spec.name, entry.distribution, entry.version
        return None

    def add_commands(self, app: Any) -> None:
        """Let every plugin add its commands to the typer application."""
        for plugin in self.plugins():
            self._call(plugin, "register_commands", app=app)

    def metrics(self) -> dict[str, Callable[..., Any]]:
        """Return the plugins' metrics by name; a name used twice stands as ``distribution/name``."""
        found: list[tuple[str, str, Callable[..., Any]]] = []
        for plugin in self.plugins():
            own: dict[str, Callable[..., Any]] = {}
            if self._call(plugin, "register_metrics", register=own.__setitem__):
                found += [(name, plugin.distribution, function) for name, function in own.items()]
        names = [name for name, _, _ in found]
        return {n if names.count(n) == 1 else f"{distribution}/{n}": f for n, distribution, f in found}

    def datasets(self) -> list[Path]:
        """Return the paths of the plugins' data set cards, or of folders of cards."""
        found: list[Path] = []
        for plugin in self.plugins():
            own: list[Path] = []
            if self._call(plugin, "register_datasets", register=own.append):
                found += [Path(path) for path in own]
        return found

    # -- discovery --------------------------------------------------------------------------------------------

    def _load_all(self, entry_points: Iterable[EntryPoint]) -> None:
        seen: set[tuple[str, str, str]] = set()
        installed: list[str] = []
        for point in entry_points:
            distribution, version = (point.dist.name, point.dist.version) if point.dist else ("(no distribution)", "?")
            key = (distribution, point.name, point.value)
            if key in seen:  # an editable install may list an entry point twice
                continue
            seen.add(key)
            installed.append(point.name)
            if self._only is None or point.name in self._only:
                self._load(point, Plugin(point.name, distribution, version))
        for name in self._only or ():
            if name not in installed:
                error = PluginError(f"GENSYNTH_PLUGINS names {name!r}; installed: {', '.join(installed) or 'none'}")
                self._failed(Plugin(name, "(not installed)", "?"), error)

    def _load(self, point: EntryPoint, plugin: Plugin) -> None:
        """Import one plugin and take its models; all of it or nothing."""
        module: object = None
        try:
            module = point.load()
            wanted = getattr(module, "GENSYNTH_API_VERSION", hookspecs.API_VERSION)
            if not isinstance(wanted, int) or wanted > hookspecs.API_VERSION:
                raise PluginError(
                    f"written for version {wanted} of the plugin API, this gensynth has {hookspecs.API_VERSION}: "
                    "pip install --upgrade gensynth"
                )
            if not isinstance(module, ModuleType):
                raise PluginError(f"the entry point {point.value!r} is not a module")
            self._manager.register(module, name=f"{plugin.distribution}:{plugin.name}")
            plugin = Plugin(plugin.name, plugin.distribution, plugin.version, self._hooks(module), module)
            own: list[ModelEntry] = []
            self._subset(plugin, "register_models")(register=functools.partial(self._register, own, plugin))
        except (Exception, SystemExit) as error:
            if isinstance(module, ModuleType) and self._manager.is_registered(module):
                self._manager.unregister(module)
            self._failed(plugin, error)
        else:
            self._plugins.append(plugin)
            self._models += own

    def _hooks(self, module: ModuleType) -> tuple[str, ...]:
        """Return the hooks that a plugin implements; as pluggy's ``check_pending``, but for one plugin."""
        callers = self._manager.get_hookcallers(module) or []
        known = [name for name in vars(hookspecs) if name.startswith("register_")]
        for caller in callers:
            if not caller.has_spec():
                close = difflib.get_close_matches(caller.name, known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"the hooks are {', '.join(known)}"
                raise PluginError(f"unknown hook {caller.name!r}: {hint}")
        if not callers:
            raise PluginError("implements no hook: mark its functions with gensynth.hookimpl")
        return tuple(sorted(caller.name for caller in callers))

    def _register(self, own: list[ModelEntry], plugin: Plugin, spec: ModelSpec) -> None:
        if not isinstance(spec, ModelSpec):
            raise PluginError(f"register takes a gensynth.ModelSpec, not {type(spec).__name__}")
        entry = ModelEntry(spec, plugin.distribution, plugin.version)
        if entry.qualified_name in [e.qualified_name for e in (*own, *self._models)]:
            raise PluginError(f"{plugin.distribution} registers the model {spec.name!r} twice")
        own.append(entry)

    def _subset(self, plugin: Plugin, hook: str) -> pluggy.HookCaller:
        """Return a caller of one hook for one plugin alone, so that its errors are known as its own."""
        others = [p.module for p in self._plugins if p.module is not plugin.module]
        return self._manager.subset_hook_caller(hook, others)

    def _call(self, plugin: Plugin, hook: str, **arguments: object) -> bool:
        """Call one plugin's hook; False when it failed, which is recorded."""
        try:
            self._subset(plugin, hook)(**arguments)
        except (Exception, SystemExit) as error:
            self._failed(plugin, error)
            return False
        return True

    def _failed(self, plugin: Plugin, error: BaseException) -> None:
        if self._strict:
            raise error
        failure = PluginFailure(plugin.name, plugin.distribution, plugin.version, error)
        if failure in self._failures:
            return
        self._failures.append(failure)
        warnings.warn(
            f"the plugin {failure} did not load; the others did. GENSYNTH_STRICT=1 shows where it fails, "
            f"pip uninstall {plugin.distribution} removes it",
            PluginWarning,
            stacklevel=2,
        )

    def _unknown(self, name: str) -> str:
        names = sorted({e.spec.name for e in self._models})
        lines = [f"no model is named {name!r}."]
        close = difflib.get_close_matches(name.lower(), [*names, *(e.qualified_name for e in self._models)], n=1)
        if close:
            lines.append(f"Did you mean {close[0]!r}?")
        if names:
            lines.append(f"Models: {', '.join(names)}.")
        elif self._only is not None:
            lines.append(f"GENSYNTH_PLUGINS={','.join(self._only)!r} leaves no model: unset it to load every plugin.")
        else:
            lines.append(
                "No model is installed: gensynth's own come with `pip install gensynth` (in its source tree "
                "`pip install -e .`; a folder on the path alone is not enough)."
            )
        if self._failures:
            lines.append(f"Plugins that did not load: {'; '.join(map(str, self._failures))}.")
        return " ".join(lines)


@functools.cache
def default_registry() -> Registry:
    """Return the registry of the installed plugins, made at the first call and kept for the process."""
    return Registry()
