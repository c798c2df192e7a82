"""Factors: what varies, in which role, over which levels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from sweep.config.net import NET_FIELDS
from sweep.config.problems import cut, problem_of
from sweep.config.run import EVAL_FIELDS, TRAIN_FIELDS, Setting
from sweep.config.values import Frozen, Name, Text, WholeNumber, shortest
from sweep.limits import MAX_LEVELS, MAX_T
from sweep.similar_names import no_such

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
            fields[outer] = fields[outer] | {inner: value}
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


def check_factor(name: str, factor: Factor, baseline: Setting, *, searching: bool, tuning: bool) -> None:
    """Refuse a factor that does not fit its role or its field.

    Args:
        name: Name of the factor.
        factor: The factor, with its role and its levels or range.
        baseline: The setting that every arm is compared with.
        searching: The design is a search, so that any factor may have a range.
        tuning: Nuisance factors are tuned for each arm.

    Raises:
        PydanticCustomError: of type `misfit`, with the place in the file.
    """
    at = ("factors", name)
    if factor.levels is None or isinstance(factor.levels, list):
        _check_field(name, name, factor, baseline)
    if factor.role == "nuisance" and not (searching or tuning):
        raise misfit(at, "a nuisance factor is tuned: add `tune: {trials: 8}`, or use `design: search`")
    if factor.range is not None and factor.role != "nuisance" and not searching:
        raise misfit(at, "the `range` of a scientific factor needs `design: search`; here, give `levels`")
    if factor.range is not None:
        for end in factor.range:
            setting = _check_level(name, factor, baseline, {name: _as_field_type(baseline, name, end)})
            if isinstance(value := value_of_field(setting, name), bool) or not isinstance(value, int | float):
                raise misfit(at, f"`{name}` is no number, so it has no range: give its `levels`")
    elif factor.role != "fixed":
        _check_levels(name, factor, baseline)


def misfit(at: tuple[str, ...], message: str) -> PydanticCustomError:
    """An error at a place in the file: keys from the top, such as ("factors", "lr").

    Args:
        at: Keys from the top of the file.
        message: What is wrong, as a sentence.
    """
    return PydanticCustomError("misfit", "{message}", {"at": at, "message": message})


def levels_of(name: str, factor: Factor) -> dict[str, Changes]:
    """Level name -> the fields it sets, in the order of the file.

    Args:
        name: Name of the factor.
        factor: The factor, with its role and its levels or range.
    """
    if isinstance(factor.levels, dict):
        return factor.levels
    return {level_name(value): {name: value} for value in factor.levels or ()}


def _check_levels(name: str, factor: Factor, baseline: Setting) -> None:
    if isinstance(factor.levels, list):
        names = Counter(level_name(value) for value in factor.levels)
        if twice := next((label for label, count in names.items() if count > 1), None):
            raise misfit(("factors", name), f"level `{twice}` is given twice")
    seen: dict[str, str] = {}
    for label, changes in levels_of(name, factor).items():
        setting = _check_level(name, factor, baseline, changes).model_dump_json()
        if setting in seen:
            raise misfit(("factors", name), f"levels `{seen[setting]}` and `{label}` are the same setting")
        seen[setting] = label


def _as_field_type(baseline: Setting, field: str, value: float) -> Value:
    outer, _, inner = field.partition(".")
    current = getattr(baseline, outer, None)
    current = getattr(current, inner, None) if inner else current
    return int(value) if isinstance(current, int) and float(value).is_integer() else value


def _check_level(name: str, factor: Factor, baseline: Setting, changes: Changes) -> Setting:
    for field in changes:
        _check_field(name, field, factor, baseline)
    try:
        return setting_with(baseline, changes)
    except ValidationError as error:
        reason = problem_of(error.errors()[0])
        written = ", ".join(f"{field}: {level_name(value)}" for field, value in changes.items())
        raise misfit(("factors", name), f"{written} is not allowed: {reason}") from None


def _check_field(name: str, field: str, factor: Factor, baseline: Setting) -> None:
    outer, dot, inner = field.partition(".")
    if dot and outer != "net":
        raise misfit(("factors", name), f"no setting named {field!r}; only `net` has settings below it")
    if outer not in TRAIN_FIELDS | EVAL_FIELDS:
        hint = no_such("setting", field, sorted(TRAIN_FIELDS | EVAL_FIELDS))
        raise misfit(("factors", name), f"{hint}; `sweep schema` lists the settings")
    below_net = NET_FIELDS.union(*(net.parameters for net in baseline.own_nets.values()))
    if dot and inner not in below_net:
        settings = [f"net.{setting}" for setting in sorted(below_net)]
        raise misfit(("factors", name), f"{no_such('setting', field, settings)}; allowed: {', '.join(settings)}")
    if outer == "data":
        raise misfit(("factors", name), "scores on other data do not compare: write one study a data set")
    if factor.role == "evaluation" and outer not in EVAL_FIELDS:
        raise misfit(("factors", name), f"`{field}` changes the training, so it cannot have the role evaluation")
    if factor.role in ("scientific", "nuisance") and outer in EVAL_FIELDS:
        raise misfit(
            ("factors", name),
            f"`{field}` is read off a finished checkpoint: give it the role evaluation, and one training answers "
            "for all its levels",
        )


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
