"""Every metric of a score, one row each: its name, which way is better, what it is made of, and who defined it.

Loads no torch, so that reports read the same rows. Metrics that every score has are fields of `measure.Measurements`;
those that only some evaluations ask for are computed by the functions of `extra_metrics.EXTRA_METRICS`. The names are
stored: one that a store has seen never changes its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from sweep.errors import StoreMismatch


class Direction(StrEnum):
    """Which values of a metric are good."""

    LOWER = "lower is better"
    HIGHER = "higher is better"
    NEAR_ONE = "1 is best"
    NEITHER = "neither end is better"


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        label: Name in tables and on axes. That of a Frechet distance begins with FID, in whose place reports write the
            name and the N of the protocol.
        direction: Which values are good.
        source: Citation; empty where nobody else defined it.
        made_of: What it is computed from: the protocol's features, the images themselves, or the net's likelihood.
        error: Field of `Measurements` with its standard error; None where only the noise sets tell one.
        extra: Whether it is measured only where the evaluation asks for it.
        ratio: Whether it is above 0 and its noise grows with its size, so that ratios of scores are compared.
    """

    label: str
    direction: Direction
    source: str
    made_of: Literal["features", "pixels", "bound"] = "features"
    error: str | None = None
    extra: bool = False
    ratio: bool = False


METRICS: Mapping[str, Metric] = {
    "fid": Metric("FID", Direction.LOWER, "Heusel et al. 2017", error="fid_se", ratio=True),
    # It is as uncertain as the distance that it extrapolates.
    "fid_infinity": Metric("FID, N to infinity", Direction.LOWER, "Chong & Forsyth 2020", error="fid_se"),
    "kid": Metric("KID", Direction.LOWER, "Binkowski et al. 2018", error="kid_se"),
    "inception_score": Metric("IS", Direction.HIGHER, "Salimans et al. 2016"),
    "precision": Metric("precision", Direction.HIGHER, "Kynkaanniemi et al. 2019"),
    "recall": Metric("recall", Direction.HIGHER, "Kynkaanniemi et al. 2019"),
    "density": Metric("density", Direction.HIGHER, "Naeem et al. 2020"),
    "coverage": Metric("coverage", Direction.HIGHER, "Naeem et al. 2020"),
    "fid_test": Metric("FID to the test split", Direction.LOWER, "Heusel et al. 2017", extra=True, ratio=True),
    "bits_per_dim": Metric("bits/dim", Direction.LOWER, "Ho et al. 2020", "bound", extra=True),
    "bits_per_dim_reconstruction": Metric(
        "bits/dim, reconstruction", Direction.LOWER, "Ho et al. 2020", "bound", extra=True
    ),
    "bits_per_dim_kl": Metric("bits/dim, KL terms", Direction.LOWER, "Ho et al. 2020", "bound", extra=True),
    "bits_per_dim_prior": Metric("bits/dim, prior", Direction.LOWER, "Ho et al. 2020", "bound", extra=True),
    # Small for copies, large for images that look like nothing in the data.
    "neighbour_distance": Metric("nearest-neighbour distance", Direction.NEITHER, "", "pixels", extra=True),
    "neighbour_ratio": Metric("nearest-neighbour ratio", Direction.NEAR_ONE, "", "pixels", extra=True),
}

USUAL_METRICS: Mapping[str, Metric] = {name: metric for name, metric in METRICS.items() if not metric.extra}
"""What every score measures."""

_OWN = re.compile(r"own_([a-z0-9_]+?)_(lower|higher|near_one|neither)")
_CLASS = re.compile(r"(fid|kid)_class(\d+)")
_NOISED = re.compile(r"noised_s(\d+)_(mse|features)")


def class_of_metric(name: str) -> tuple[str, int] | None:
    """The score and the class of a measurement of one class, such as ("kid", 3); None of all others.

    Args:
        name: Name of the measurement in the store.
    """
    of_class = _CLASS.fullmatch(name)
    return (of_class[1], int(of_class[2])) if of_class else None


def metric_of(name: str) -> Metric:
    """What a stored measurement is.

    Args:
        name: Name of the measurement in the store.

    Raises:
        StoreMismatch: No row says which way it is better.
    """
    if name in METRICS:
        return METRICS[name]
    if own := _OWN.fullmatch(name):
        return Metric(own[1], Direction[own[2].upper()], "", "pixels", extra=True)
    if of_class := class_of_metric(name):
        # Not under the name of the whole, whose N it has not.
        label = {"fid": "Frechet distance", "kid": "KID"}[of_class[0]]
        return Metric(f"{label} of class {of_class[1]}", Direction.LOWER, METRICS[of_class[0]].source, extra=True)
    if noised := _NOISED.fullmatch(name):
        # How much of an image survives says what a net keeps, not how well it draws.
        made_of: Literal["pixels", "features"] = "pixels" if noised[2] == "mse" else "features"
        what = {"pixels": "squared error", "features": "feature distance"}[made_of]
        label = f"{what} after noise to t = {noised[1]} and back"
        return Metric(label, Direction.NEITHER, "Ho et al. 2020", made_of, extra=True)
    raise StoreMismatch(
        f"this version does not know the score {name!r}",
        why="It does not know which values of the score are better.",
        next="Build the report with the version that made the score; sweep doctor names it.",
    )
