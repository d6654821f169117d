"""Discovery of plugins: loads them, isolates broken ones, and calls their hooks.

pluggy makes the hook calls only. The search is our own: pluggy's stops at the first plugin that does not import,
and silently skips a second distribution that uses the same entry-point name.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from types import ModuleType

import pluggy

from gensynth import hookspecs
from gensynth.errors import PluginError


class PluginWarning(UserWarning):
    """A plugin did not load; the others did."""


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
    """A plugin that failed to load or failed in a hook, with the error."""

    name: str
    distribution: str
    version: str
    error: BaseException = field(compare=False)

    def __str__(self) -> str:
        return f"{self.name} of {self.distribution} {self.version} ({type(self.error).__name__}: {self.error})"


class PluginHost:
    """The installed plugins.

    A plugin that fails to import, misspells a hook or asks for a newer API is recorded in ``failures`` with one
    `PluginWarning`; the others load.

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
        if entry_points is None:
            entry_points = importlib.metadata.entry_points(group=hookspecs.ENTRY_POINT_GROUP)
        self.only = None if only is None else tuple(dict.fromkeys(only))
        self.strict = os.environ.get("GENSYNTH_STRICT") == "1" if strict is None else strict
        self.plugins: list[Plugin] = []
        self.failures: list[PluginFailure] = []
        self._manager = pluggy.PluginManager("gensynth")
        self._manager.add_hookspecs(hookspecs)
        self._load_all(entry_points)

    def call(self, plugin: Plugin, hook: str, **arguments: object) -> bool:
        """Call one hook of one plugin and record its errors; return False if it failed."""
        others = [p.module for p in self.plugins if p is not plugin]
        try:
            self._manager.subset_hook_caller(hook, others)(**arguments)
        except (Exception, SystemExit) as error:
            self._failed(plugin, error)
            return False
        return True

    def drop(self, plugin: Plugin) -> None:
        """Remove a failed plugin."""
        self.plugins.remove(plugin)
        self._manager.unregister(plugin.module)

    def _load_all(self, entry_points: Iterable[EntryPoint]) -> None:
        seen: set[tuple[str, str, str]] = set()
        names: list[str] = []
        for point in entry_points:
            distribution, version = (point.dist.name, point.dist.version) if point.dist else ("(no distribution)", "?")
            key = (distribution, point.name, point.value)
            if key in seen:  # an editable install may list an entry point twice
                continue
            seen.add(key)
            names.append(point.name)
            if self.only is None or point.name in self.only:
                self._load(point, Plugin(point.name, distribution, version))
        for name in self.only or ():
            if name not in names:
                error = PluginError(f"GENSYNTH_PLUGINS asks for {name!r}; there are {', '.join(names) or 'none'}")
                self._failed(Plugin(name, "(not installed)", "?"), error)

    def _load(self, point: EntryPoint, plugin: Plugin) -> None:
        # SystemExit too: a module that exits at import must not take the host down
        try:
            module = point.load()
            _check_version(module)
            if not isinstance(module, ModuleType):
                raise PluginError(f"the entry point {point.value!r} is not a module")
            self._manager.register(module, name=f"{plugin.distribution}:{plugin.name}")
        except (Exception, SystemExit) as error:
            self._failed(plugin, error)
            return
        try:
            hooks = self._hooks(module)
        except PluginError as error:
            self._manager.unregister(module)
            self._failed(plugin, error)
            return
        self.plugins.append(Plugin(plugin.name, plugin.distribution, plugin.version, hooks, module))

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

    def _failed(self, plugin: Plugin, error: BaseException) -> None:
        if self.strict:
            raise error
        failure = PluginFailure(plugin.name, plugin.distribution, plugin.version, error)
        if failure in self.failures:
            return
        self.failures.append(failure)
        warnings.warn(
            f"the plugin {failure} is broken and left out; the others work. GENSYNTH_STRICT=1 shows where it fails",
            PluginWarning,
            stacklevel=2,
        )


def _check_version(module: object) -> None:
    wanted = getattr(module, "GENSYNTH_API_VERSION", hookspecs.API_VERSION)
    if not isinstance(wanted, int) or wanted > hookspecs.API_VERSION:
        raise PluginError(
            f"written for version {wanted} of the plugin API, this gensynth has {hookspecs.API_VERSION}: "
            "pip install --upgrade gensynth"
        )
