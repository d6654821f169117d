"""Every error that gensynth raises on purpose.

A message says what came, what was expected and what to do. Each class also derives from the built-in
exception that scikit-learn users expect, so ``except ValueError`` keeps working.
"""

from __future__ import annotations


class GensynthError(Exception):
    """Base of every error raised by gensynth; the command line prints it and exits with code 2."""


class DataError(GensynthError, ValueError):
    """The rows cannot be used: names the column or the row, and the way out."""


class SchemaError(DataError):
    """A declared or stored schema and the table do not fit each other."""


class ConditionError(DataError):
    """A condition names an unknown column, or a value that the fitted table never held."""


class OptionError(GensynthError, ValueError):
    """A parameter or command-line option has a value that it cannot have."""


class CapabilityError(GensynthError, ValueError):
    """The model family cannot do what was asked; the message names one that can."""


class TrainingError(GensynthError, RuntimeError):
    """Training cannot go on (a loss or a gradient that is not finite); names phase and step."""


class ModelFileError(GensynthError, ValueError):
    """A ``.gensynth`` file is damaged, tampered with, too new, or not one at all."""


class PluginError(GensynthError, RuntimeError):
    """A plugin could not be loaded or breaks the contract."""


class UnknownModelError(GensynthError, KeyError):
    """No registered model has this name (or several have it: write ``distribution/name``)."""

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0]) if self.args else ""


class IdentifierWarning(UserWarning):
    """A column of keys was found: it is not learned, and sampled rows get new keys of the same pattern."""


class CollapseWarning(UserWarning):
    """Training collapsed: what the model generates is worse than columns drawn independently, or all alike."""


class IgnoredColumnWarning(UserWarning):
    """A table holds columns that the fitted schema does not know; they are left out."""
