"""Texts to typed parameters."""

from __future__ import annotations

from typing import Literal

import pytest

from gensynth.cli.options.settings import convert, parameters, split_settings
from gensynth.errors import OptionError


@pytest.mark.parametrize(
    ("text", "hint", "value"),
    [
        ("16", int, 16),
        ("1e3", int, 1000),
        ("1e-3", float, 0.001),
        ("16", float, 16.0),
        ("inf", float, float("inf")),
        ("yes", bool, True),
        ("False", bool, False),
        ("none", int | None, None),
        ("3", int | None, 3),
        ("none", str | None, None),
        ("256,128", tuple[int, ...], (256, 128)),
        ("(256, 128)", tuple[int, ...], (256, 128)),
        ("[256]", list[int], [256]),
        ("", tuple[int, ...], ()),
        ("flow", Literal["flow", "mixture"], "flow"),
        ("auto", int | Literal["auto"], "auto"),
        ("7", int | Literal["auto"], 7),
        ("true", bool | Literal["auto"], True),
        ("1", int | float, 1),
        ("a=b", str, "a=b"),
    ],
)
def test_value_has_the_type_that_is_annotated(text: str, hint: object, value: object) -> None:
    found = convert(text, hint)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("x", int),
        ("1.5", int),
        ("nan", float),
        ("2", bool),
        ("", int),
        ("inf", int),
        ("a", tuple[int, ...]),
        ("b", Literal["a"]),
    ],
)
def test_wrong_type_is_refused(text: str, hint: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        convert(text, hint)


class Thing:
    def __init__(self, width: int = 1, name: str = "", hook: object = None) -> None:
        self.width = width


def test_only_what_can_be_written_is_offered() -> None:
    assert list(parameters(Thing)) == ["width", "name"]


def test_values_reach_their_target_and_may_hold_an_equals_sign() -> None:
    found = split_settings(["a.width=3", "b.name=x=y"], {"a": Thing, "b": Thing})
    assert found == {"a": {"width": 3}, "b": {"name": "x=y"}}


def test_unknown_key_lists_what_there_is() -> None:
    with pytest.raises(OptionError, match=r"Did you mean 'a.width'\? Settings: a.width, a.name"):
        split_settings(["a.widht=3"], {"a": Thing})
