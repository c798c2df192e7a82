"""Libraries that computed numbers of a study: what they did, in which version, under which licence."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sweep.reporting.formatting import join_words
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.metrics import short_label_of
from sweep.reporting.stats.comparison import Comparison
from sweep.scoring.metrics import METRICS, metric_of


@dataclass(frozen=True)
class Software:
    """A library.

    Attributes:
        package: Name on the package index, as versions are recorded by.
        label: Name in sentences.
        licence: Its licence, as its package states it.
        source: What to cite, a key of `REFERENCES`; empty for nothing.
    """

    package: str
    label: str
    licence: str
    source: str = ""


TORCH = Software("torch", "PyTorch", "BSD-3-Clause", "Paszke et al. 2019")
TORCHVISION = Software("torchvision", "torchvision", "BSD-3-Clause")
FIDELITY = Software("torch-fidelity", "torch-fidelity", "Apache 2.0", "Obukhov et al. 2020")
OPTUNA = Software("optuna", "Optuna", "MIT", "Akiba et al. 2019")
NUMPY = Software("numpy", "NumPy", "BSD-3-Clause", "Harris et al. 2020")
SCIPY = Software("scipy", "SciPy", "BSD-3-Clause", "Virtanen et al. 2020")
SOFTWARE = (TORCH, TORCHVISION, FIDELITY, OPTUNA, NUMPY, SCIPY)
BY_TORCH_FIDELITY = frozenset({"fid", "precision", "recall", "inception_score"})
"""Metrics that torch-fidelity computes of features."""


def software_versions(frames: StudyFrames) -> dict[str, str]:
    """Package -> its version: that of the workers, where they recorded it, else that at the launch.

    Args:
        frames: The tables of the study.
    """
    recorded: dict[str, list[str]] = {}
    for environment in frames.workers["environment"]:
        for package, version in (environment.get("versions") or {}).items():
            recorded.setdefault(package, []).append(str(version))
    by_workers = {package: join_words(sorted(set(versions))) for package, versions in recorded.items()}
    return {package: str(version) for package, version in frames.versions.items()} | by_workers


def software_sentences(frames: StudyFrames, comparison: Comparison) -> tuple[list[str], list[str]]:
    """Which code computed which number, with its version from the store.

    Args:
        frames: The tables of the study.
        comparison: The comparison of its arms.

    Returns:
        The sentences, and the sources that they name.
    """
    versions = software_versions(frames)
    sources: list[str] = []

    def named(*libraries: Software) -> str:
        sources.extend(library.source for library in libraries if library.source)
        return join_words([f"{each.label} {_version(versions, each)}" for each in libraries])

    measured = set(frames.scores["metric"])
    work = "Nets were trained and images drawn" if frames.study_ref.design.trains else "Features were computed"
    sentences = [f"{work} by ddpm-sweep{_of_ours(versions)} with {named(TORCH)}."]
    if theirs := _labels(measured & BY_TORCH_FIDELITY, frames):
        sentences.append(f"{named(FIDELITY)} computed {theirs}.")
    if ours := _labels(measured - BY_TORCH_FIDELITY, frames):
        sentences.append(f"ddpm-sweep computed {ours} itself.")
    if own := [metric_of(name).label for name in sorted(measured) if name.startswith("own_")]:
        sentences.append(f"Functions of plugins of this study computed {join_words(own)}.")
    if frames.study_ref.searched:
        sentences.append(f"{named(OPTUNA)} proposed the trials.")
    if len(comparison.pairs):
        sentences.append(
            f"Intervals and p values are ddpm-sweep's, with distributions of {named(SCIPY)} on {named(NUMPY)}."
        )
    return sentences, sources


def _labels(names: Collection[str], frames: StudyFrames) -> str:
    return join_words([short_label_of(name, frames.protocol) for name in METRICS if name in names])


def _version(versions: dict[str, str], library: Software) -> str:
    return versions.get(library.package, "(version not recorded)")


def _of_ours(versions: dict[str, str]) -> str:
    return f" {versions['ddpm-sweep']}" if "ddpm-sweep" in versions else ""
