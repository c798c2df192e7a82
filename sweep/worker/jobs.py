"""What a trial process does: prepare, time, train, score. The one place where training and scoring meet."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import torch

from sweep.config.run import TrainConfig
from sweep.diffusion.process import Diffusion
from sweep.errors import CheckpointError, DepotError, Preempted
from sweep.nets.layout import channels_last, laid_out
from sweep.scoring.further import Subject, measure_further
from sweep.scoring.score import score
from sweep.store.depot import Depot
from sweep.store.records import ArtifactRecord
from sweep.training import checkpoint
from sweep.training.chain import betas_of
from sweep.training.checkpoint import Checkpoint, CheckpointRef
from sweep.training.ema import Weights
from sweep.training.loop import train
from sweep.training.objective import build_net
from sweep.training.progress import Cadence, Hooks, Place, Progress
from sweep.training.rig import KeptRig
from sweep.training.validation import validation_points
from sweep.worker.machine import PeakMemory
from sweep.worker.messages import (
    Damaged,
    Job,
    MeasureJob,
    Outcome,
    PrepareJob,
    Progressed,
    Scored,
    ScoreJob,
    Send,
    Trained,
    TrainJob,
)
from sweep.worker.preparation import EXTRACTORS, counting, dataset_of, prepare, yardstick_of
from sweep.worker.score_record import score_record
from sweep.worker.timing import measure

ShouldStop = Callable[[], bool]

# Checkpoints of a run at a time, as the store lists them.
KEPT = 2


def perform(job: Job, device: torch.device, kept: KeptRig, send: Send, should_stop: ShouldStop) -> Outcome:
    """Do one job; what goes wrong is raised, and the process must then end: `kept` may be left half-way."""
    match job:
        case PrepareJob():
            return prepare(job, send)
        case MeasureJob():
            return measure(job, device)
        case TrainJob():
            return train_run(job, device, kept, send, should_stop)
        case ScoreJob():
            return score_run(job, device, send, should_stop)


def train_run(job: TrainJob, device: torch.device, kept: KeptRig, send: Send, should_stop: ShouldStop) -> Trained:
    """Train from the newest checkpoint that can be read."""
    started = time.monotonic()
    place = Place(
        folder=job.files.path(job.folder),
        token=job.token,
        device=device,
        micro_batches=job.micro_batches,
        channels_last=channels_last(job.config.net.kind),
    )
    dataset, memory = dataset_of(job.config.data), PeakMemory(device)

    def report(progress: Progress) -> None:
        send(Progressed(progress.step, progress.images, progress.metrics, peak_bytes=memory.bytes))

    resume = _readable(job, device, send, should_stop)
    stored = deque([] if resume is None else [_artifact("checkpoint", resume.ref, job.files).path])

    def saved(ref: CheckpointRef) -> None:
        artifact = _artifact("checkpoint", ref, job.files)
        _put(job.files, artifact.path, should_stop)
        send(Progressed(ref.step, ref.step * job.config.batch, checkpoint=artifact))
        stored.append(artifact.path)
        if len(stored) > KEPT:
            job.files.discard(stored.popleft())

    result = train(
        job.config,
        dataset,
        place,
        hooks=Hooks(report=report, saved=saved, should_stop=should_stop),
        cadence=Cadence(
            reports=job.cadence.curve_points,
            validations=validation_points(
                job.cadence.curve_points, images=job.config.images, held_out=len(dataset.validation)
            ),
            checkpoint_seconds=job.cadence.checkpoint_seconds,
        ),
        resume=resume,
        kept=kept,
        until=job.until_step,
    )
    kind = "weights" if result.step == job.config.steps else "rung"
    weights = _artifact(kind, result.weights, job.files)
    _put(job.files, weights.path, should_stop)
    seconds = time.monotonic() - started
    return Trained(weights, result.parameters, seconds)


def _put(files: Depot, path: str, should_stop: ShouldStop) -> None:
    """Send a file to the other machines. Asked to stop meanwhile, the last one that is recorded counts."""
    try:
        files.put(path, give_up=should_stop)
    except DepotError as error:
        if should_stop():
            raise Preempted(error.what, why=error.why) from error
        raise


def _readable(job: TrainJob, device: torch.device, send: Send, should_stop: ShouldStop) -> Checkpoint | None:
    """The newest checkpoint whose bytes are what was recorded; none means from the start."""
    for found in job.checkpoints:
        try:
            path = job.files.fetch(found.path, found.sha256, give_up=should_stop)
            return checkpoint.read(CheckpointRef(path, found.sha256, found.step, found.bytes), device=device)
        except CheckpointError as error:
            send(Damaged(found.path, error.what))
    return None


def score_run(job: ScoreJob, device: torch.device, send: Send, should_stop: ShouldStop) -> Scored:
    """Draw images from one average of the weights and measure them. A score that is stopped is made anew."""

    count, memory = counting("sampling", send), PeakMemory(device)

    def drawn(done: int, total: int) -> None:
        if should_stop():
            raise Preempted(f"stopped after {done} of {total} images", why="asked to stop")
        count(done, total)

    dataset = dataset_of(job.train.data)
    net = build_net(job.train, channels=dataset.channels, size=dataset.size).to(device)
    net.load_state_dict(_weights(job, device))
    net = laid_out(net, job.train.net.kind)
    diffusion, folder = _diffusion(job.train, device), job.files.path(job.folder)
    yardstick = yardstick_of(job.protocol, job.train.data, job.files, device)
    result = score(
        net,
        diffusion,
        job.evaluation,
        yardstick,
        target=job.train.target,
        folder=folder,
        precision=job.train.precision,
        on_progress=drawn,
    )
    subject = Subject(
        net=net,
        diffusion=diffusion,
        config=job.evaluation,
        target=job.train.target,
        yardstick=yardstick,
        dataset=dataset,
        scored=result.sets,
        folder=folder,
        references=job.files.path(EXTRACTORS),
        precision=job.train.precision,
        on_progress=drawn,
    )
    record = score_record(result, measure_further(subject), job.folder, job.files.folder)
    record = replace(record, peak_bytes=memory.bytes)
    for artifact in record.artifacts:
        _put(job.files, artifact.path, should_stop)
    return Scored(record)


def _weights(job: ScoreJob, device: torch.device) -> Weights:
    """The average that the evaluation reads."""
    sha256, evaluation = job.weights.sha256, job.evaluation
    path = job.files.fetch(job.weights.path, sha256)
    if evaluation.ema_std is not None:
        return checkpoint.load_power_weights(path, sha256, std=evaluation.ema_std, device=device)
    decay, start = evaluation.ema_decay, evaluation.ema_start
    return checkpoint.load_weights(path, sha256, decay=decay, start=start, device=device)


def _diffusion(config: TrainConfig, device: torch.device) -> Diffusion:
    return Diffusion.from_betas(betas_of(config), device)


def _artifact(kind: str, ref: CheckpointRef, files: Depot) -> ArtifactRecord:
    return ArtifactRecord(kind, ref.path.relative_to(files.folder).as_posix(), ref.sha256, ref.bytes, ref.step)
