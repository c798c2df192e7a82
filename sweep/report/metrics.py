"""The scores a store can hold: what they are called, which way is better, where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Metric:
    """One kind of score."""

    label: str
    """In tables and on axes. The Frechet distance takes its name from the protocol instead, see `label_of`."""
    lower_is_better: bool
    source: str
    """Citation."""


METRICS: dict[str, Metric] = {
    "fid": Metric("FID", True, "Heusel et al. 2017"),
    "fid_infinity": Metric("FID, N to infinity", True, "Chong & Forsyth 2020"),
    "kid": Metric("KID", True, "Binkowski et al. 2018"),
    "inception_score": Metric("IS", False, "Salimans et al. 2016"),
    "precision": Metric("precision", False, "Kynkaanniemi et al. 2019"),
    "recall": Metric("recall", False, "Kynkaanniemi et al. 2019"),
    "density": Metric("density", False, "Naeem et al. 2020"),
    "coverage": Metric("coverage", False, "Naeem et al. 2020"),
}


CLASSIFIER = " (classifier features)"


def lower_is_better(metric: str) -> bool:
    """Direction of a score; one that the table does not know is read as a distance."""
    return METRICS[metric].lower_is_better if metric in METRICS else True


def label_of(metric: str, protocol: Mapping[str, Any]) -> str:
    """Name of a score in tables. FID without a suffix is only ever Inception's.

    Args:
        metric: As stored in `measurement.name`.
        protocol: `Protocol` as stored: extractor, extractor_sha256, n.
    """
    label = METRICS[metric].label if metric in METRICS else metric
    inception = protocol.get("extractor") == "inception"
    if metric in ("fid", "fid_infinity"):
        name = "FID" if inception else f"FCD-{str(protocol.get('extractor_sha256', ''))[:8]}"
        return f"{name}@{protocol.get('n', '?')}" + ("" if metric == "fid" else ", N to infinity")
    return label if inception else label + CLASSIFIER


def extractor_of(protocol: Mapping[str, Any]) -> str:
    """Name of the extractor with the start of its hash, once: a local classifier is named after it already."""
    name, sha256 = str(protocol.get("extractor")), str(protocol.get("extractor_sha256", ""))[:8]
    return name if sha256 in name else f"{name} {sha256}"


def direction_of(metric: str) -> str:
    """The direction in words, for axes."""
    return "lower is better" if lower_is_better(metric) else "higher is better"
