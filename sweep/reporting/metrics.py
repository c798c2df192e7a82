"""The scores a store can hold: their names, which way is better, what they are made of and who defined them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from sweep.errors import StoreMismatch


class Direction(StrEnum):
    """Which values of a score are good."""

    LOWER = "lower is better"
    HIGHER = "higher is better"
    NEAR_ONE = "1 is best"
    NEITHER = "neither end is better"


ARROWS = {Direction.LOWER: "↓", Direction.HIGHER: "↑", Direction.NEAR_ONE: "→ 1", Direction.NEITHER: ""}
"""Behind a score's name at the head of a column."""


@dataclass(frozen=True)
class Metric:
    """One kind of score."""

    label: str
    """In tables and on axes. Frechet distances take their names from the protocol instead, see `label_of`."""
    direction: Direction
    source: str
    """Citation; empty where nobody else defined it."""
    of: Literal["features", "pixels", "bound"] = "features"
    """What it is made of: the protocol's features, the images themselves, or the net's likelihood."""


METRICS: dict[str, Metric] = {
    "fid": Metric("FID", Direction.LOWER, "Heusel et al. 2017"),
    "fid_infinity": Metric("FID, N to infinity", Direction.LOWER, "Chong & Forsyth 2020"),
    "kid": Metric("KID", Direction.LOWER, "Binkowski et al. 2018"),
    "inception_score": Metric("IS", Direction.HIGHER, "Salimans et al. 2016"),
    "precision": Metric("precision", Direction.HIGHER, "Kynkaanniemi et al. 2019"),
    "recall": Metric("recall", Direction.HIGHER, "Kynkaanniemi et al. 2019"),
    "density": Metric("density", Direction.HIGHER, "Naeem et al. 2020"),
    "coverage": Metric("coverage", Direction.HIGHER, "Naeem et al. 2020"),
    "fid_test": Metric("FID to the test split", Direction.LOWER, "Heusel et al. 2017"),
    "bits_per_dim": Metric("bits/dim", Direction.LOWER, "Ho et al. 2020", "bound"),
    "bits_per_dim_reconstruction": Metric("bits/dim, reconstruction", Direction.LOWER, "Ho et al. 2020", "bound"),
    "bits_per_dim_kl": Metric("bits/dim, KL terms", Direction.LOWER, "Ho et al. 2020", "bound"),
    "bits_per_dim_prior": Metric("bits/dim, prior", Direction.LOWER, "Ho et al. 2020", "bound"),
    # Small for copies, large for images that look like nothing in the data.
    "neighbour_distance": Metric("nearest-neighbour distance", Direction.NEITHER, "", "pixels"),
    "neighbour_ratio": Metric("nearest-neighbour ratio", Direction.NEAR_ONE, "", "pixels"),
}
_NOISED = re.compile(r"noised_s(\d+)_(mse|features)")

CLASSIFIER = " (classifier features)"


def metric_of(name: str) -> Metric:
    """What a store's measurement is.

    Args:
        name: As stored in `measurement.name`.

    Raises:
        StoreMismatch: No row says which way it is better.
    """
    if name in METRICS:
        return METRICS[name]
    if noised := _NOISED.fullmatch(name):
        # How much of an image survives says what a net keeps, not how well it draws.
        what, of = ("squared error", "pixels") if noised[2] == "mse" else ("feature distance", "features")
        label = f"{what} after noise to t = {noised[1]} and back"
        return Metric(label, Direction.NEITHER, "Ho et al. 2020", "pixels" if of == "pixels" else "features")
    raise StoreMismatch(
        f"this version does not know the score {name!r}",
        why="Without its direction nothing can be said of it.",
        next="Report with the version that made it: sweep doctor names it.",
    )


def lower_is_better(metric: str) -> bool:
    """Whether smaller values of a score that decides are better.

    Raises:
        StoreMismatch: It has no better end, so it decides nothing.
    """
    direction = direction_of(metric)
    if direction not in (Direction.LOWER, Direction.HIGHER):
        raise StoreMismatch(f"{metric} decides nothing: {direction}", next="Name fid or kid as the study's metric.")
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
        name = "FID" if inception else f"FCD-{str(protocol.get('extractor_sha256', ''))[:8]}"
        return f"{name}@{protocol.get('n', '?')}" + known.label.removeprefix("FID")
    return known.label if inception or known.of != "features" else known.label + CLASSIFIER


def extractor_of(protocol: Mapping[str, Any]) -> str:
    """Name of the extractor with the start of its hash, once: a local classifier is named after it already."""
    name, sha256 = str(protocol.get("extractor")), str(protocol.get("extractor_sha256", ""))[:8]
    return name if sha256 in name else f"{name} {sha256}"


def direction_of(metric: str) -> Direction:
    """Which values of a score are good; its text is for axes.

    Raises:
        StoreMismatch: This version does not know the score.
    """
    return metric_of(metric).direction
