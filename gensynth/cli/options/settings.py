"""``--set model.latent_dim=16 --set trainer.max_epochs=5``: parse parameters of a recipe and the trainer."""

from __future__ import annotations

import collections.abc
import difflib
import inspect
import json
import math
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from gensynth.errors import OptionError

_TRUE, _FALSE, _NONE = ("true", "yes", "on", "1"), ("false", "no", "off", "0"), ("none", "null")


def split_settings(texts: Iterable[str], targets: dict[str, type]) -> dict[str, dict[str, Any]]:
    """Parse ``TARGET.KEY=VALUE`` texts; each value gets the type of the parameter it is for.

    Parameters
    ----------
    texts : iterable of str
        What followed each ``--set``.
    targets : dict of str to type
        The classes whose constructor parameters may be set: ``{"model": VLAE, "trainer": Trainer}``.

    Returns
    -------
    dict of str to dict
        Keyword arguments for each target.

    Raises
    ------
    OptionError
        Not ``KEY=VALUE``, an unknown key (the message lists the known ones), a value of the wrong type, or a key that
        is given twice.
    """
    known = {f"{target}.{key}": hint for target, kind in targets.items() for key, hint in parameters(kind).items()}
    found: dict[str, dict[str, Any]] = {target: {} for target in targets}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key:
            raise OptionError(f"--set {text!r}: expected KEY=VALUE, for example --set trainer.max_epochs=5")
        if key not in known:
            raise OptionError(f"--set {text!r}: there is no setting {key!r}. {_advice(key, known)}")
        target, _, name = key.partition(".")
        if name in found[target]:
            raise OptionError(f"--set {key} is given twice; leave one out")
        try:
            found[target][name] = convert(value.strip(), known[key])
        except ValueError:
            raise OptionError(f"--set {text!r}: {key} must be {describe(known[key])}, not {value.strip()!r}") from None
    return found


def read_settings(path: Path) -> tuple[str | None, dict[str, Any]]:
    """Return the model and the settings in a JSON file of ``gensynth tune --json``.

    Raises
    ------
    OptionError
        The file cannot be read, or is no such JSON.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise OptionError(f"--settings {path} cannot be read as JSON: {error}") from error
    settings = found.get("settings") if isinstance(found, dict) else None
    if not isinstance(settings, dict):
        raise OptionError(
            f'--settings {path}: expected {{"model": "vlae", "settings": {{"model.latent_dim": 16, ...}}}}, as '
            "gensynth tune --json writes it"
        )
    model = found.get("model")
    return None if model is None else str(model), settings


def typed_settings(given: Mapping[str, Any], targets: dict[str, type], source: Path) -> dict[str, dict[str, Any]]:
    """Return the settings of a file by target, lists as tuples; a fit validates them.

    Raises
    ------
    OptionError
        There is no such setting.
    """
    known = [f"{target}.{key}" for target, kind in targets.items() for key in parameters(kind)]
    found: dict[str, dict[str, Any]] = {target: {} for target in targets}
    for key, value in given.items():
        if key not in known:
            raise OptionError(f"--settings {source}: there is no setting {key!r}. {_advice(key, known)}")
        target, _, name = key.partition(".")
        found[target][name] = tuple(value) if isinstance(value, list) else value
    return found


def build(kind: type, arguments: dict[str, Any], what: str) -> Any:
    """Call ``kind(**arguments)``; errors name the settings."""
    try:
        return kind(**arguments)
    except (ValueError, TypeError) as error:
        raise OptionError(f"the {what} settings {arguments} are refused: {error}") from error


def parameters(kind: type) -> dict[str, Any]:
    """Return the constructor's parameters that can be written as text, with their types."""
    found = inspect.signature(kind, eval_str=True).parameters
    return {name: p.annotation for name, p in found.items() if _writable(p.annotation)}


def convert(text: str, hint: Any) -> Any:
    """Turn a text into a value of the annotated type.

    Raises
    ------
    ValueError
        The text is not such a value.
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is type(None):
        return _none(text)
    if hint is bool:
        return _bool(text)
    if hint is int:
        return _int(text)
    if hint is float:
        return _float(text)
    if hint is str:
        return text
    if origin is Literal:
        for value in arguments:
            if text == str(value):
                return value
        raise ValueError(text)
    if origin in (typing.Union, types.UnionType):
        # narrow types first: 16 for `float | int` is an integer, and anything is a text
        order = [type(None), bool, int, float]
        parts = [part for part in arguments if _writable(part)]
        for part in sorted(parts, key=lambda a: order.index(a) if a in order else 9 if a is str else 5):
            try:
                return convert(text, part)
            except ValueError:
                continue
        raise ValueError(text)
    items = [item.strip() for item in text.strip("()[]").split(",") if item.strip()]
    return (list if origin is list else tuple)(convert(item, arguments[0]) for item in items)


def describe(hint: Any) -> str:
    """Return the type in words, for messages."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _WORDS:
        return _WORDS[hint]
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(describe(part) for part in arguments if _writable(part))
    return f"{describe(arguments[0])}, several separated by commas"


_WORDS = {
    type(None): "none",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
}


def _writable(hint: Any) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        # a strategy object beside a name stays settable by its name
        return any(_writable(part) for part in arguments if part is not type(None))
    if origin in (tuple, list, collections.abc.Sequence):
        return bool(arguments) and _writable(arguments[0]) and all(a in (arguments[0], ...) for a in arguments)
    return hint in _WORDS or origin is Literal


def _advice(key: str, known: Sequence[str] | dict[str, Any]) -> str:
    names = list(known)
    near = difflib.get_close_matches(key, names, n=1)
    if not near:  # the part before the dot left out
        near = [name for name in names if name.partition(".")[2] == key.rpartition(".")[2]]
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{hint}Settings: {', '.join(names)}."


def _none(text: str) -> None:
    if text.lower() not in _NONE:
        raise ValueError(text)


def _bool(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(text)


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        number = float(text)  # 1e4
        if not number.is_integer():
            raise
        return int(number)


def _float(text: str) -> float:
    number = float(text)
    if math.isnan(number):
        raise ValueError(text)
    return number
