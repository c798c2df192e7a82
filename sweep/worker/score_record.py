"""From what scoring found to what the store keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sweep.config.keys import sha256_of
from sweep.scoring.artifacts import SavedFile
from sweep.scoring.extra_metrics import ExtraMetrics
from sweep.scoring.score import Estimate, SetScore
from sweep.scoring.score import ScoreResult as Scored
from sweep.store.records import ArtifactRecord, Measurement, ScoreResult

MEAN = -1
WITH_ERRORS = {"fid": "fid_se", "fid_infinity": "fid_se", "kid": "kid_se"}
METRICS = ("fid", "fid_infinity", "kid", "inception_score", "precision", "recall", "density", "coverage")


def score_record(scored: Scored, further: ExtraMetrics, folder: str, files: Path) -> ScoreResult:
    """Every number of a score, for each noise set and over all, with its files."""
    kept = [(kind, saved, one.noise_set) for one in scored.sets for kind, saved in _files(one)]
    kept += [(kind, saved, MEAN) for kind, saved in further.files]
    return ScoreResult(
        measurements=(
            *_measurements(scored),
            *(Measurement(found.name, MEAN, found.value, found.standard_error) for found in further.numbers),
        ),
        artifacts=tuple(_artifact(kind, saved, step, folder, files) for kind, saved, step in kept),
        samples_sha256=sha256_of([one.samples_sha256 for one in scored.sets]),
        sampling_seconds=sum(one.seconds.sampling for one in scored.sets),
        features_seconds=sum(one.seconds.features for one in scored.sets),
        statistics_seconds=sum(one.seconds.statistics for one in scored.sets),
    )


def _measurements(scored: Scored) -> Iterator[Measurement]:
    for name in METRICS:
        mean: Estimate | None = getattr(scored, name)
        if mean is not None:
            yield Measurement(name, MEAN, mean.value, mean.standard_error)
        for one in scored.sets:
            value: float | None = getattr(one.measurements, name)
            if value is not None:
                error = getattr(one.measurements, WITH_ERRORS[name]) if name in WITH_ERRORS else None
                yield Measurement(name, one.noise_set, value, error)


def _files(one: SetScore) -> Iterator[tuple[str, SavedFile]]:
    yield "features", one.features
    yield "logits", one.logits
    yield "grid", one.grid


def _artifact(kind: str, saved: SavedFile, noise_set: int, folder: str, files: Path) -> ArtifactRecord:
    path = f"{folder}/{saved.name}"
    return ArtifactRecord(kind, path, saved.sha256, (files / path).stat().st_size, noise_set)
