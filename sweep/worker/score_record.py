"""From a score as it was computed to the record that the store takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sweep.config.keys import sha256_of
from sweep.nets.cuda_graph import Capture
from sweep.scoring.artifacts import SavedFile
from sweep.scoring.evaluated_net import ExtraMetrics
from sweep.scoring.metrics import USUAL_METRICS
from sweep.scoring.score import NetScore, SetScore
from sweep.store.records import OVER_NOISE_SETS, ArtifactRecord, ExecutionRecord, Measurement, ScoreResult
from sweep.store.states import StepExecution


def score_record(scored: NetScore, extra_metrics: ExtraMetrics, folder: str, file_store: Path) -> ScoreResult:
    """Every number of a score, for each noise set and over all of them, with its files.

    Args:
        scored: The score as it was computed.
        extra_metrics: Numbers and files that the evaluation asks for beside the usual metrics.
        folder: Folder of this score, relative to the file store.
        file_store: Local folder of the file store.
    """
    files = [(kind, saved, result.noise_set) for result in scored.sets for kind, saved in _files(result)]
    files += [(kind, saved, OVER_NOISE_SETS) for kind, saved in extra_metrics.files]
    return ScoreResult(
        measurements=(
            *_measurements(scored),
            *(
                Measurement(extra.name, OVER_NOISE_SETS, extra.value, extra.standard_error)
                for extra in extra_metrics.numbers
            ),
        ),
        artifacts=tuple(_artifact(kind, saved, step, folder, file_store) for kind, saved, step in files),
        samples_sha256=sha256_of([result.samples_sha256 for result in scored.sets]),
        sampling_seconds=sum(result.seconds.sampling for result in scored.sets),
        features_seconds=sum(result.seconds.features for result in scored.sets),
        statistics_seconds=sum(result.seconds.statistics for result in scored.sets),
        execution=execution_record(scored.capture),
    )


def execution_record(capture: Capture | None) -> ExecutionRecord | None:
    """How a step was run, as the store takes it; None where that is not known.

    Args:
        capture: Whether it was launched as one CUDA graph.
    """
    if capture is None:
        return None
    return ExecutionRecord(StepExecution.CAPTURED if capture.is_captured else StepExecution.EAGER, capture.reason)


def _measurements(scored: NetScore) -> Iterator[Measurement]:
    for name, metric in USUAL_METRICS.items():
        if name in scored.means:
            yield Measurement(name, OVER_NOISE_SETS, scored.means[name].value, scored.means[name].standard_error)
        for result in scored.sets:
            value: float | None = getattr(result.measurements, name)
            if value is not None:
                error = getattr(result.measurements, metric.error) if metric.error else None
                yield Measurement(name, result.noise_set, value, error)


def _files(result: SetScore) -> Iterator[tuple[str, SavedFile]]:
    yield "features", result.features
    yield "logits", result.logits
    yield "grid", result.grid


def _artifact(kind: str, saved: SavedFile, noise_set: int, folder: str, file_store: Path) -> ArtifactRecord:
    path = f"{folder}/{saved.name}"
    return ArtifactRecord(kind, path, saved.sha256, (file_store / path).stat().st_size, noise_set)
