"""A score: images from a trained net, their features on disk, and every distance with its standard error."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from sweep.config.part_names import Precision
from sweep.config.run import EvalConfig
from sweep.diffusion.process import Diffusion
from sweep.diffusion.targets import AnyTarget
from sweep.errors import ProtocolError
from sweep.nets.cuda_graph import Capture
from sweep.scoring.artifacts import SavedFile, read_array, sha256_of_array, write_array
from sweep.scoring.estimate import Estimate, estimate
from sweep.scoring.evaluator import Evaluator
from sweep.scoring.features import Features
from sweep.scoring.generate import default_batch, generate, sampling_plan
from sweep.scoring.guided_predictor import Guidance
from sweep.scoring.measure import Measurements, measure_distances
from sweep.scoring.metrics import USUAL_METRICS
from sweep.scoring.pictures import save_picture, tiled
from sweep.scoring.progress import Progress, ignore_progress
from sweep.scoring.reference import Reference
from sweep.scoring.sample_labels import SampleLabels

GRID = 8
"""Images across and down."""


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """Wall time, by where it went."""

    sampling: float
    features: float
    statistics: float


@dataclass(frozen=True, kw_only=True)
class SetScore:
    """The score of one noise set, with what is needed to compute it again."""

    noise_set: int
    measurements: Measurements
    samples_sha256: str
    """Hash of the uint8 images [n, C, H, W], which are not stored."""
    features: SavedFile
    logits: SavedFile
    grid: SavedFile
    """PNG of the first 64 images: the same noise in the same place for every net of one seed."""
    seconds: Seconds


@dataclass(frozen=True, kw_only=True)
class NetScore:
    """A score over all noise sets of a protocol."""

    sets: tuple[SetScore, ...]
    means: Mapping[str, Estimate]
    """By name of the metric, as far as every noise set has it."""
    suspicion: str | None
    """Why the numbers are not to be believed (`reference.Bounds.suspicion`)."""
    samples: Tensor | None = None
    """Images of the first noise set, uint8 [n, C, H, W], where they were drawn here; they are not stored."""
    capture: Capture | None = None
    """Whether sampling launched the net as one CUDA graph, in every noise set; None if it is not known."""


def score(
    net: nn.Module,
    diffusion: Diffusion,
    config: EvalConfig,
    evaluator: Evaluator,
    *,
    target: AnyTarget,
    seed: int,
    folder: Path,
    labels: SampleLabels | None = None,
    guidance: Guidance | None = None,
    batch: int | None = None,
    precision: Precision = "fp32",
    on_progress: Progress = ignore_progress,
) -> NetScore:
    """Score a net under a protocol.

    Args:
        net: With the weights that `config.ema_decay` names already loaded, on the device to use.
        diffusion: Tables of the training chain.
        config: The evaluation.
        evaluator: Extractor, reference and bounds of the protocol.
        target: What it predicts; key of `diffusion.targets.TARGETS`, or the target of a plugin.
        seed: Seed of its training, which the noise goes with.
        folder: Folder of this score, for features, logits and a grid of each noise set; no other score writes there.
        labels: Classes of the samples, of a net that sees them.
        guidance: How samples are guided; None for no guidance.
        batch: Images at a time; None: as memory allows.
        precision: Arithmetic of the net, and of nothing else.
        on_progress: Called with (images drawn, images of all noise sets).

    Raises:
        Diverged: An image is not finite.
        ProtocolError: A number would have no meaning.
    """
    sets, n = evaluator.protocol.noise_sets, evaluator.protocol.n
    size = batch or default_batch(net, evaluator.shape, next(net.parameters()).device, precision)
    scored, captures, samples = [], list[Capture](), None
    for position, noise_set in enumerate(sets):

        def report(done: int, _of_one: int, before: int = position * n) -> None:
            on_progress(before + done, n * len(sets))

        start = time.perf_counter()
        images = generate(
            net,
            diffusion,
            sampling_plan(config, target),
            shape=evaluator.shape,
            n=n,
            noise_set=evaluator.protocol.noise_stream(noise_set, seed=seed),
            labels=labels,
            guidance=guidance,
            batch=size,
            precision=precision,
            on_progress=report,
            on_capture=captures.append,
        )
        sampling = time.perf_counter() - start
        samples = images if samples is None else samples
        scored.append(score_images(images, evaluator, noise_set=noise_set, folder=folder, sampling_seconds=sampling))
    capture = min(captures, key=lambda capture: capture.is_captured)
    return replace(summarise(scored, evaluator), samples=samples, capture=capture)


def score_images(
    images: Tensor, evaluator: Evaluator, *, noise_set: int, folder: Path, sampling_seconds: float = 0.0
) -> SetScore:
    """Score images, and write what a later check needs.

    Args:
        images: Images, uint8 [n, C, H, W], wherever they come from.
        evaluator: Extractor, reference and bounds of the protocol.
        noise_set: Number of the noise set.
        folder: Folder of this score; no other score writes there.
        sampling_seconds: Wall time of drawing the images, seconds.
    """
    start = time.perf_counter()
    features = evaluator.extractor.extract(images)
    extracted = time.perf_counter()
    measurements = measure_distances(
        features, evaluator.reference, n=evaluator.protocol.n, device=evaluator.extractor.device
    )
    measured = time.perf_counter()
    return SetScore(
        noise_set=noise_set,
        measurements=measurements,
        samples_sha256=sha256_of_array(images.numpy()),
        features=_save(folder, f"set{noise_set}-features.npy", features.penultimate),
        logits=_save(folder, f"set{noise_set}-logits.npy", features.logits),
        grid=save_picture(folder, f"set{noise_set}-grid.png", grid_of(images)),
        seconds=Seconds(sampling=sampling_seconds, features=extracted - start, statistics=measured - extracted),
    )


def summarise(scored: Iterable[SetScore], evaluator: Evaluator) -> NetScore:
    """Means over noise sets, with their standard errors.

    Args:
        scored: Score of each noise set.
        evaluator: Extractor, reference and bounds of the protocol.
    """
    sets = tuple(scored)
    means: dict[str, Estimate] = {}
    for name, metric in USUAL_METRICS.items():
        values = [getattr(one.measurements, name) for one in sets]
        errors = [getattr(one.measurements, metric.error) for one in sets] if metric.error else None
        if None not in values:
            means[name] = estimate(values, errors)
    fid = means["fid"]
    assert fid.standard_error is not None
    return NetScore(sets=sets, means=means, suspicion=evaluator.bounds.suspicion(fid.value, fid.standard_error))


def verify(scored: SetScore, folder: Path, reference: Reference) -> Measurements:
    """Compute a score again from its saved features.

    Args:
        scored: The score of one noise set.
        folder: Folder of this score; no other score writes there.
        reference: The reference of the score's protocol.

    Returns:
        The measurements found now, equal to the stored ones to 1e-6.

    Raises:
        DataError: A file is missing or altered.
        ProtocolError: The files give another distance than the one that was stored, or belong to another reference.
    """
    stored = scored.measurements
    if (stored.reference_sha256, stored.extractor_sha256) != (reference.images_sha256, reference.extractor_sha256):
        raise ProtocolError("The score and the reference belong to different protocols.")
    features = Features(
        penultimate=saved_rows(folder, scored.features),
        logits=saved_rows(folder, scored.logits),
        extractor=stored.extractor,
        extractor_sha256=stored.extractor_sha256,
    )
    now = measure_distances(features, reference, n=stored.n)
    for name in ("fid", "kid", "inception_score", "precision", "recall"):
        stored_value, value = getattr(stored, name), getattr(now, name)
        if value is not None and not np.isclose(value, stored_value, rtol=1e-6, atol=1e-9):
            raise ProtocolError(
                f"The stored {name} of noise set {scored.noise_set} is {stored_value:.9g}; "
                f"its features give {value:.9g}.",
                why="The number was altered, or was measured by other code.",
                next="Score again; do not report the stored number.",
            )
    return now


def _save(folder: Path, name: str, rows: NDArray[np.float32]) -> SavedFile:
    return SavedFile(name=name, sha256=write_array(folder / name, rows))


def saved_rows(folder: Path, saved: SavedFile) -> NDArray[np.float32]:
    """Features or logits as they were scored, float32 [n, D].

    Args:
        folder: Folder of this score; no other score writes there.
        saved: Name and hash of the file.

    Raises:
        DataError: The file is missing or altered.
    """
    return cast("NDArray[np.float32]", read_array(folder / saved.name, saved.sha256))


def grid_of(images: Tensor) -> NDArray[np.uint8]:
    """The first 64 of uint8 images [N, C, H, W], C = 1 or 3, row by row; black where there are fewer."""
    count, (channels, height, width) = GRID * GRID, images.shape[1:]
    cells = images.new_zeros(count, channels, height, width)
    cells[: len(images)] = images[:count]
    return tiled(cells.reshape(GRID, GRID, channels, height, width))
