"""Rendering of HTML templates, with all text from data escaped."""

from __future__ import annotations

from typing import Any

from gensynth.version import __version__


def render(package: str, template: str, **values: Any) -> str:
    """Return a template of the folder ``templates`` of a package with these values in it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(version=__version__, **values)
