"""Every design of a study file by name. A name that a store has seen never changes its meaning; add another instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from sweep.config.designs.add_one_in import AddOneIn
from sweep.config.designs.base import Design
from sweep.config.designs.factorial import Factorial, Fractional
from sweep.config.designs.given import Given
from sweep.config.designs.leave_one_out import LeaveOneOut
from sweep.config.designs.one_at_a_time import OneAtATime
from sweep.config.designs.path import Path
from sweep.config.designs.search import Search

DESIGN_CLASSES: tuple[type[Design], ...] = (
    OneAtATime,
    LeaveOneOut,
    AddOneIn,
    Factorial,
    Fractional,
    Path,
    Search,
    Given,
)
"""To add a design, write its class and name it here."""


def kind_of(design: type[Design]) -> str:
    """The name of a design in study files."""
    return str(design.model_fields["kind"].default)


DESIGNS: Mapping[str, type[Design]] = {kind_of(design): design for design in DESIGN_CLASSES}


def _with_options(value: object) -> object:
    return {"kind": value} if isinstance(value, str) else value


def one_of(designs: Sequence[type[Design]]) -> Any:
    """The type of a study's field `design`: one of these, with its options or by its name alone.

    Args:
        designs: Two or more classes, in the order of the schema.
    """
    names: Any = Literal[tuple(map(kind_of, designs))]
    with_options: Any = Annotated[reduce(or_, designs), Field(discriminator="kind")]
    return Annotated[with_options, BeforeValidator(_with_options, json_schema_input_type=names | with_options)]


if TYPE_CHECKING:
    AnyDesign = Design
else:
    AnyDesign = one_of(DESIGN_CLASSES)
