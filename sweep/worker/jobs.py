"""What a trial process does: prepare, time, train, score. The one place where training and scoring meet."""

from __future__ import annotations

import time
from dataclasses import replace

import torch

from sweep.config.run import TrainConfig
from sweep.diffusion.process import Diffusion
from sweep.errors import Preempted, UnreadableCheckpoint, UnreadableWeights
from sweep.files.file_names import EXTRACTORS
from sweep.nets.memory_format import channels_last, laid_out
from sweep.scoring.extra_metrics import Subject, measure_extra_metrics
from sweep.scoring.score import score
from sweep.training import checkpoint
from sweep.training.ema import Weights
from sweep.training.interfaces import Cadence, Hooks, Progress, RunContext
from sweep.training.loop import train
from sweep.training.noise_tables import betas_of
from sweep.training.objective import build_net
from sweep.training.step_state import StepStateCache
from sweep.training.validation import validation_points
from sweep.worker.machine import PeakMemory
from sweep.worker.messages import (
    Job,
    MeasureJob,
    Outcome,
    PrepareJob,
    Progressed,
    Scored,
    ScoreJob,
    Send,
    ShouldStop,
    Trained,
    TrainJob,
)
from sweep.worker.preparation import counting, dataset_of, evaluator_of, prepare
from sweep.worker.run_files import RunFiles, send_file
from sweep.worker.score_record import score_record
from sweep.worker.timing import measure


def perform(job: Job, device: torch.device, cache: StepStateCache, send: Send, should_stop: ShouldStop) -> Outcome:
    """Do one job; what goes wrong is raised, and the process must then end: `cache` may be left half-way."""
    match job:
        case PrepareJob():
            return prepare(job, send)
        case MeasureJob():
            return measure(job, device)
        case TrainJob():
            return train_run(job, device, cache, send, should_stop)
        case ScoreJob():
            return score_run(job, device, send, should_stop)


def train_run(
    job: TrainJob, device: torch.device, cache: StepStateCache, send: Send, should_stop: ShouldStop
) -> Trained:
    """Train from the newest checkpoint that can be read."""
    started = time.monotonic()
    context = RunContext(
        folder=job.files.path(job.folder),
        attempt=job.attempt,
        device=device,
        micro_batches=job.micro_batches,
        channels_last=channels_last(job.config.net.kind),
    )
    dataset, memory = dataset_of(job.config.data), PeakMemory(device)

    def report(progress: Progress) -> None:
        send(Progressed(progress.step, progress.images, progress.metrics, peak_bytes=memory.bytes))

    files = RunFiles(job, send, should_stop)
    resume = files.newest_checkpoint(device)
    result = train(
        job.config,
        dataset,
        context,
        hooks=Hooks(report=report, saved=files.saved, should_stop=should_stop),
        cadence=Cadence(
            reports=job.cadence.curve_points,
            validations=validation_points(
                job.cadence.curve_points, images=job.config.images, held_out=len(dataset.validation)
            ),
            checkpoint_seconds=job.cadence.checkpoint_seconds,
        ),
        resume=resume,
        cache=cache,
        until=job.until_step,
    )
    kind = "weights" if result.step == job.config.steps else "rung"
    weights = files.sent(kind, result.weights)
    seconds = time.monotonic() - started
    return Trained(weights, result.parameters, seconds)


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
    evaluator = evaluator_of(job.protocol, job.train.data, job.files, device)
    result = score(
        net,
        diffusion,
        job.evaluation,
        evaluator,
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
        evaluator=evaluator,
        dataset=dataset,
        scored=result.sets,
        folder=folder,
        references=job.files.path(EXTRACTORS),
        precision=job.train.precision,
        on_progress=drawn,
    )
    record = score_record(result, measure_extra_metrics(subject), job.folder, job.files.folder)
    record = replace(record, peak_bytes=memory.bytes)
    for artifact in record.artifacts:
        send_file(job.files, artifact.path, should_stop)
    return Scored(record)


def _weights(job: ScoreJob, device: torch.device) -> Weights:
    """The average that the evaluation reads.

    Raises:
        UnreadableWeights: Their file is missing, torn or altered.
    """
    sha256, evaluation = job.weights.sha256, job.evaluation
    try:
        path = job.files.fetch(job.weights.path, sha256)
        if evaluation.ema_std is not None:
            return checkpoint.load_power_weights(path, sha256, std=evaluation.ema_std, device=device)
        decay, start = evaluation.ema_decay, evaluation.ema_start
        return checkpoint.load_weights(path, sha256, decay=decay, start=start, device=device)
    except UnreadableCheckpoint as error:
        raise UnreadableWeights(error.what, why=error.why) from error


def _diffusion(config: TrainConfig, device: torch.device) -> Diffusion:
    return Diffusion.from_betas(betas_of(config), device)
