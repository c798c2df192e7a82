"""Factors: what varies, in which role, over which levels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import Field, field_validator, model_validator

from sweep.config.problems import cut
from sweep.config.run import Setting
from sweep.config.values import Frozen, Name, Text, WholeNumber, shortest
from sweep.limits import MAX_LEVELS, MAX_T

NEAR_END = 0.05
"""Share of a range, at either end of it, that counts as its boundary."""

Role = Literal["scientific", "nuisance", "fixed", "evaluation"]
Value = bool | WholeNumber | float | Text | None | Annotated[list[float], Field(max_length=MAX_T)]
Changes = dict[str, Value]


class Factor(Frozen):
    """A thing that varies: either `levels` or a `range`.

    A list of levels sets the field that the factor is named for (`net.dropout` reaches into the net). Named levels
    may set several fields at once: `{clipped: {weighting: vlb, weight_clip: [0, 1]}}`.
    """

    role: Role = Field(description="scientific: the question. nuisance: tuned. evaluation: scored from one checkpoint.")
    levels: list[Value] | dict[Name, dict[str, Value]] | None = Field(None, description="The values to compare.")
    range: tuple[float, float] | None = Field(
        None, description="[low, high], both included; in a search, or of a tuned nuisance factor."
    )
    log: bool = Field(False, description="Search the range on a logarithmic scale.")

    @field_validator("levels", mode="before")
    @classmethod
    def _listed_or_named(cls, value: object) -> object:
        if isinstance(value, list | dict) and len(value) > MAX_LEVELS:
            raise ValueError(f"found {len(value):,} levels; at most {MAX_LEVELS:,} are allowed")
        if isinstance(value, dict):
            for label, changes in value.items():
                if not isinstance(changes, dict):
                    raise ValueError(f"level `{label}` must say what it sets: {label}: {{field: value}}")
        elif not isinstance(value, list | None):
            raise ValueError(
                f"found {cut(repr(value))}; a list is expected, [a, b], or named levels, {{name: {{field: value}}}}"
            )
        return value

    @model_validator(mode="after")
    def _levels_or_range(self) -> Factor:
        if self.role == "fixed":
            if self.levels is not None or self.range is not None:
                raise ValueError("a fixed factor has the baseline's value and takes neither `levels` nor `range`")
            return self
        if (self.levels is None) == (self.range is None):
            raise ValueError("give either `levels` or `range`")
        if self.log and self.range is None:
            raise ValueError("`log` goes with a `range`; levels are taken as they are")
        if self.levels is not None and not self.levels:
            raise ValueError("`levels` is empty: name at least one value")
        if self.range is not None:
            low, high = self.range
            if not low < high:
                raise ValueError(f"range [{shortest(low)}, {shortest(high)}] is reversed or empty: write [low, high]")
            if self.log and low <= 0.0:
                raise ValueError(f"a logarithmic range must start above 0, not at {shortest(low)}")
            if self.role == "evaluation":
                raise ValueError("an evaluation factor takes `levels`: each is scored from the same checkpoint")
        return self


def level_name(value: Value) -> str:
    """How a plain value is written in tables."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    if isinstance(value, list):
        return "[" + ", ".join(shortest(item) for item in value) + "]"
    return shortest(value) if isinstance(value, float) else str(value)


def renamed_levels(factors: Mapping[str, Factor]) -> dict[str, str]:
    """How arms of older stores call a level -> how they are called now: names had six digits and could be equal."""
    renamed: dict[str, str] = {}
    for name, factor in factors.items():
        for value in factor.levels if isinstance(factor.levels, list) else ():
            six = f"{value:g}" if isinstance(value, float) else level_name(value)
            if isinstance(value, list):
                six = "[" + ", ".join(f"{item:g}" for item in value) + "]"
            if six != level_name(value):
                renamed[f"{name}={six}"] = f"{name}={level_name(value)}"
    return renamed


def setting_with(baseline: Setting, changes: Changes) -> Setting:
    """A setting that differs from `baseline` in `changes` alone.

    Args:
        baseline: The setting that is changed.
        changes: Fields that differ from the baseline, with their values.
    """
    fields = baseline.model_dump()
    for field, value in sorted(changes.items(), key=lambda change: "." in change[0]):  # the net before its sizes
        outer, _, inner = field.partition(".")
        if not inner:
            fields[outer] = {"preset": value} if outer == "net" else value
        else:
            whole = fields.get(outer, getattr(baseline, outer))  # a default may be in no dump
            fields[outer] = (dict(whole) if isinstance(whole, Mapping) else {"kind": whole}) | {inner: value}
    return Setting.model_validate(fields)


def value_of_field(setting: Setting, field: str) -> Value:
    """A setting's value of a field; dotted names reach into the net.

    Args:
        setting: Baseline of the study with the changes of an arm.
        field: Name of a field, such as `lr` or `net.channels`.
    """
    value: Any = setting
    for part in field.split("."):
        value = getattr(value, part)
    return cast("Value", value)


def levels_of(name: str, factor: Factor) -> dict[str, Changes]:
    """Level name -> the fields it sets, in the order of the file.

    Args:
        name: Name of the factor.
        factor: The factor, with its role and its levels or range.
    """
    if isinstance(factor.levels, dict):
        return factor.levels
    return {level_name(value): {name: value} for value in factor.levels or ()}


def at_boundary(factor: Factor, value: Value) -> Literal["low", "high"] | None:
    """Which end of what was tried a tuned value lies at, so that a better one may lie beyond; None inside.

    Within 5 % of the range (of its logarithm, for a logarithmic one) counts as the end; of three or more numeric
    levels, the smallest and the largest.

    Args:
        factor: The factor, with its range or its levels.
        value: The tuned value.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if factor.range is not None:
        scale = math.log if factor.log else float
        low, high = scale(factor.range[0]), scale(factor.range[1])
        share = (scale(value) - low) / (high - low)
        return "low" if share <= NEAR_END else "high" if share >= 1 - NEAR_END else None
    numbers = [v for v in factor.levels or () if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < 3:
        return None
    return "low" if value == min(numbers) else "high" if value == max(numbers) else None
