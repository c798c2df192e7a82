"""Settings of class-conditional nets and of guidance. Each is in no dump at its default, so that old keys stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator

from sweep.config.values import NotNegative, NoTruthForNumbers, shortest

GuidanceKind = Literal["cfg", "autoguidance"]


def with_defaults(kind: type[BaseModel], dump: Mapping[str, Any]) -> dict[str, Any]:
    """A dump of settings with those that are in no dump at their defaults.

    Args:
        kind: `LabelSettings` or `GuidanceSettings`.
        dump: The dump.
    """
    return {name: field.default for name, field in kind.model_fields.items()} | dict(dump)


class LabelSettings(NoTruthForNumbers):
    """Whether a training sees the classes of its images."""

    conditional: bool = Field(
        False,
        exclude_if=lambda conditional: conditional is False,
        description="Give the net the class of each image; the data set needs classes.",
    )
    label_dropout: float = Field(
        0.0,
        ge=0.0,
        lt=1.0,
        exclude_if=lambda share: share == 0.0,
        description="Probability that a training image is shown without its class, e.g. 0.1; cfg needs it.",
    )


class GuidanceSettings(NoTruthForNumbers):
    """How samples are guided. All of it is read off a finished checkpoint."""

    guidance_scale: NotNegative = Field(
        1.0,
        le=1000.0,
        exclude_if=lambda scale: scale == 1.0,
        description="w of D_weak + w (D - D_weak): 1 is no guidance, 0 the weaker prediction alone.",
    )
    guidance_interval: tuple[NotNegative, NotNegative] | None = Field(
        None,
        exclude_if=lambda interval: interval is None,
        description="Guide only where low < sigma_t <= high, sigma_t = sqrt((1 - alphas_bar_t) / alphas_bar_t).",
    )
    guidance_kind: GuidanceKind = Field(
        "cfg",
        exclude_if=lambda kind: kind == "cfg",
        description="cfg: away from the same net without the class. autoguidance: away from an earlier checkpoint.",
    )
    guidance_at: float = Field(
        0.25,
        gt=0.0,
        lt=1.0,
        exclude_if=lambda share: share == 0.25,
        description="Of autoguidance: after which share of the training the weaker net was saved; needs power_ema.",
    )

    @field_validator("guidance_interval")
    @classmethod
    def _interval_is_ordered(cls, interval: tuple[float, float] | None) -> tuple[float, float] | None:
        if interval is not None and not interval[0] < interval[1]:
            low, high = map(shortest, interval)
            raise ValueError(f"guidance_interval [{low}, {high}] is reversed or empty: write [low, high]")
        return interval
