"""What a value may be and how it may be written."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from sweep.limits import MAX_NAME, MAX_TEXT


def shortest(value: float) -> str:
    """The shortest text that reads back as the same number: 1 and 0.9999999 are two names."""
    # 17 digits tell any two doubles apart. From 6, so that usual numbers are called as ever.
    return next(text for digits in range(6, 18) if float(text := f"{value:.{digits}g}") == value)


class Frozen(BaseModel):
    """Immutable, keyword-only, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""What a terminal obeys or a database refuses: all but tab and line break, and halves of surrogate pairs."""


def _without_control_characters(text: str) -> str:
    if control := CONTROL_CHARACTERS.search(text):
        raise ValueError(f"the control character {control[0]!r} is not allowed")
    return text


Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_without_control_characters)]
Name = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_without_control_characters)]

WholeNumber = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""Fits 64 bits, as databases keep it."""
AtLeastOne = Annotated[int, Field(ge=1)]


class NoTruthForNumbers(Frozen):
    """Refuses true and false where a number is meant; Python takes true for 1, and `T: true` would be one step."""

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise ValueError(f"found {str(value).lower()}, where neither true nor false means anything")
        return value


COUNT = r"^([0-9]{1,12}(?:\.[0-9]{1,12})?)([kMG]?)$"
"""A whole number as people write it: 50000, 50k or 20M."""
_UNITS = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}


def _count_with_unit(value: object) -> object:
    """`50k` and `20M` as people write them."""
    if not isinstance(value, str):
        return value
    written = re.fullmatch(COUNT, value)
    if written is None:
        raise ValueError(f"found {value!r}; write a whole number, or one with k, M or G: 20k is 20,000")
    number = Fraction(written[1]) * _UNITS[written[2]]
    if number.denominator > 1:
        raise ValueError(f"found {value!r}, which is {float(number):g}; a whole number is expected")
    return int(number)


CountText = Annotated[str, Field(pattern=COUNT)]
Count = Annotated[
    int, BeforeValidator(_count_with_unit, json_schema_input_type=Annotated[int, Field(ge=0)] | CountText)
]
Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
# Relative widths of power-function averages; a flat average over the whole run has 0.2887.
Width = Annotated[float, Field(gt=0.0, lt=0.2886)]
Decay = Annotated[float, Field(ge=0.0, lt=1.0, description="EMA decay; 0 means the raw weights.")]
