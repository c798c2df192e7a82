"""What reports say of each metric: its name under a protocol, its arrow, and whether it decides anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sweep.errors import StoreMismatch
from sweep.scoring.metrics import Direction, metric_of

ARROWS = {Direction.LOWER: "↓", Direction.HIGHER: "↑", Direction.NEAR_ONE: "→ 1", Direction.NEITHER: ""}
"""Behind a score's name at the head of a column."""


CLASSIFIER = " (classifier features)"
OWN_FEATURES = " (features of our own)"


def lower_is_better(metric: str) -> bool:
    """Whether smaller values of a score that decides are better.

    Args:
        metric: Name of the score, as stored in `measurement.name`.

    Raises:
        StoreMismatch: It has no better end, so it decides nothing.
    """
    direction = direction_of(metric)
    if direction not in (Direction.LOWER, Direction.HIGHER):
        raise StoreMismatch(f"{metric} allows no verdict: {direction}", next="Name fid or kid as the study's metric.")
    return direction is Direction.LOWER


def label_of(metric: str, protocol: Mapping[str, Any]) -> str:
    """Name of a score in tables. FID without a suffix is only ever Inception's.

    Args:
        metric: As stored in `measurement.name`.
        protocol: `Protocol` as stored: extractor, extractor_sha256, n.

    Raises:
        StoreMismatch: This version does not know the score.
    """
    known = metric_of(metric)
    inception = protocol.get("extractor") == "inception"
    if known.label.startswith("FID"):
        kind = "FD" if protocol.get("extractor_part") else "FCD"
        name = "FID" if inception else f"{kind}-{str(protocol.get('extractor_sha256', ''))[:8]}"
        return f"{name}@{protocol.get('n', '?')}" + known.label.removeprefix("FID")
    if inception or known.made_of != "features":
        return known.label
    return known.label + (OWN_FEATURES if protocol.get("extractor_part") else CLASSIFIER)


def short_label_of(metric: str, protocol: Mapping[str, Any]) -> str:
    """Name of a score in sentences and on axes, e.g. `FCD`: its identity is stated once, beside the answer.

    Args:
        metric: As stored in `measurement.name`.
        protocol: `Protocol` as stored.

    Raises:
        StoreMismatch: This version does not know the score.
    """
    known = metric_of(metric).label
    if protocol.get("extractor") == "inception":
        return known
    return known.replace("FID", "FD" if protocol.get("extractor_part") else "FCD")


def extractor_of(protocol: Mapping[str, Any]) -> str:
    """Name of the extractor with the start of its hash, once: a local classifier is named after it already.

    Args:
        protocol: The protocol as stored: extractor, extractor_sha256, n.
    """
    name, sha256 = str(protocol.get("extractor")), str(protocol.get("extractor_sha256", ""))[:8]
    return name if sha256 in name else f"{name} {sha256}"


def is_noise_per_seed(protocol: Mapping[str, Any]) -> bool:
    """Whether each training seed has noise sets of its own; before, all runs of a study had the same ones.

    Args:
        protocol: The protocol as stored.
    """
    return protocol.get("noise") == "per_seed"


def direction_of(metric: str) -> Direction:
    """Which values of a score are good; its text is for axes.

    Args:
        metric: Name of the score, as stored in `measurement.name`.

    Raises:
        StoreMismatch: This version does not know the score.
    """
    return metric_of(metric).direction
