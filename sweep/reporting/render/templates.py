"""The templates of everything that is shown: they escape every value, since a study may be called anything."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

TEMPLATES = Path(__file__).parent / "template"


@cache
def templates() -> Environment:
    """The templates, with autoescape on and no undefined names."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["with_joints"] = with_joints
    return environment


def with_joints(name: str) -> Markup:
    """A name that a line may end within where its words meet: behind an equals sign, an underscore or a comma.

    Args:
        name: Name of an arm, a factor or a level; it is escaped.
    """
    return Markup(re.sub(r"(?<=[=_,/])(?=[^\s=_,/])", "<wbr>", str(escape(name))))  # noqa: S704 - of escaped text


def fragment(template: str, **values: object) -> str:
    """A rendered template.

    Args:
        template: File name of the template.
        values: Values by their names in the template; they are escaped.
    """
    return templates().get_template(template).render(values)
