"""The kinds of parts that a plugin can offer: one declaration each, from which all else follows.

A kind says which field of a setting names its parts and what the harness passes to them. Reading signatures, checking
settings, keys, trust, the archive and loading ask nothing else of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of part.

    Attributes:
        label: Name of the kind in sentences.
        field: Field of a setting that names a part of this kind; `net` is that of nets.
        required: Arguments that every part takes.
        offered: Further arguments that a part receives if it takes them.
        is_class: Whether a part is a class; else it is a function.
        has_direction: Whether its decorator says which values are better.
        reads_files: Whether a setting of it may be a file, whose content is part of the identity of runs.
        settings: Settings of every part that the harness reads and the part does not receive, with their defaults.
    """

    label: str
    field: str
    required: tuple[str, ...]
    offered: tuple[str, ...] = ()
    is_class: bool = False
    has_direction: bool = False
    reads_files: bool = False
    settings: tuple[tuple[str, float], ...] = ()

    @property
    def given(self) -> tuple[str, ...]:
        """Every argument that the harness can pass; all others are settings."""
        return self.required + self.offered


DIRECTIONS = ("lower", "higher", "near_one", "neither")
"""What a decorator may say of which values are better."""

KINDS: Mapping[str, Kind] = {
    "net": Kind("net", "net", ("image_channels", "image_size", "out_channels"), ("num_classes",), is_class=True),
    "schedule": Kind("schedule", "schedule", ("T",)),
    "weighting": Kind("weighting", "weighting", ("snr",), ("alphas_bar",)),
    "target": Kind("target", "target", ("alphas_bar",)),
    "loss": Kind("loss", "loss", ("prediction", "target")),
    "loss_term": Kind(
        "loss term",
        "loss_term",
        (),
        ("prediction", "predicted_x0", "x0", "noise", "x_t", "i", "alphas_bar"),
        settings=(("weight", 1.0),),
    ),
    "objective": Kind("objective", "objective", ("net", "x0", "noise", "i"), ("x_t", "diffusion")),
    "optimizer": Kind("optimizer", "optimizer", ("params", "lr"), ("betas", "eps", "weight_decay")),
    "dataset": Kind("data set", "data", (), reads_files=True),
    "metric": Kind("metric", "extra_metrics", ("images",), ("real",), has_direction=True),
    "sampler": Kind("sampler", "sampler", ("at",), ("eta",)),
    "feature_extractor": Kind("feature extractor", "extractor", (), reads_files=True),
    "spacing": Kind("spacing", "spacing", ("T", "steps")),
    "lr_schedule": Kind("lr schedule", "lr_schedule", ("progress",)),
}
"""By the name of its decorator in `sweep.plugins`."""

KIND_OF_FIELD: Mapping[str, str] = {kind.field: name for name, kind in KINDS.items()}
"""Field of a setting -> name of the kind that it names."""
