"""HTML pages by templates: everything that comes from data is escaped, whatever it is named."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from gensynth.version import __version__


def render(template: str, **values: Any) -> str:
    """Return a page of ``gensynth/report/templates`` with these values in it."""
    environment = Environment(
        loader=PackageLoader("gensynth.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(version=__version__, **values)
