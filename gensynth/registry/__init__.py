"""The installed plugins, and their models, commands, metrics and data sets."""

from __future__ import annotations

from gensynth.registry.discovery import Plugin, PluginFailure, PluginHost, PluginWarning
from gensynth.registry.registry import ModelEntry, Registry, default_registry

__all__ = ["ModelEntry", "Plugin", "PluginFailure", "PluginHost", "PluginWarning", "Registry", "default_registry"]
