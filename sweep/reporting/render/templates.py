"""The templates of everything that is shown: they escape every value, since a study may be called anything."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "template"


@cache
def templates() -> Environment:
    """The templates, with autoescape on and no undefined names."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def fragment(template: str, **values: object) -> str:
    """A rendered template.

    Args:
        template: File name of the template.
        values: Values by their names in the template; they are escaped.
    """
    return templates().get_template(template).render(values)
