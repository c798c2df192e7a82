"""Weights that a training begins with, as a study file names them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from sweep.config.values import Frozen, Text


class StartingWeights(Frozen):
    """A file of weights. A bare path stands for `{path: ...}`."""

    path: Text = Field(description="A .safetensors file, or the folder that `sweep export model` wrote.")
    sha256: str | None = Field(None, max_length=64, description="Of the file; filled in by plan and launch.")


def _by_path(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


StartingWeightsField = Annotated[
    StartingWeights, BeforeValidator(_by_path, json_schema_input_type=Text | StartingWeights)
]
