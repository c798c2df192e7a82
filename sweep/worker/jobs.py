"""The jobs of a trial process: prepare, time, train, score. Training and scoring meet here only."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import torch

from sweep.config.own_part import OwnPart, own_parts_in
from sweep.diffusion.schedule_facts import schedule_facts
from sweep.errors import Preempted
from sweep.files.file_names import EXTRACTORS
from sweep.files.starting_weights import required_weights
from sweep.nets.memory_format import channels_last
from sweep.plugins.loading import load_source
from sweep.quantities import quantity
from sweep.scoring.evaluated_net import EvaluatedNet
from sweep.scoring.extra_metrics import measure_extra_metrics
from sweep.scoring.score import score
from sweep.training.interfaces import Hooks, Progress, RunContext, TrainingCadence
from sweep.training.loop import train
from sweep.training.noise_tables import betas_of
from sweep.training.own_parts import target_of
from sweep.training.step_state import StepStateCache
from sweep.training.validation import validation_points
from sweep.worker.device_check import check_device
from sweep.worker.item_scores import score_given, score_items
from sweep.worker.machine import PeakMemory
from sweep.worker.messages import Outcome, Progressed, Scored, Send, ShouldStop, Trained
from sweep.worker.orders import (
    CheckDeviceJob,
    CheckJob,
    Job,
    MeasureJob,
    PrepareJob,
    SampleJob,
    ScoreItemsJob,
    ScoreJob,
    TrainJob,
)
from sweep.worker.plugin_check import load_plugins_of, try_plugins
from sweep.worker.preparation import counting, dataset_of, evaluator_of, prepare
from sweep.worker.run_files import RunFiles, upload_file
from sweep.worker.sampled_net import sampled_net
from sweep.worker.sampling import sample_run
from sweep.worker.score_record import execution_record, score_record
from sweep.worker.timing import time_training


def perform(job: Job, device: torch.device, cache: StepStateCache, send: Send, should_stop: ShouldStop) -> Outcome:
    """Do one job. After an exception the process must end, because `cache` may be in an undefined state.

    Args:
        job: The job to do.
        device: Device on which it computes.
        cache: Compiled steps and buffers of earlier trainings of this process.
        send: Sends a message to the worker.
        should_stop: Whether the worker wants the job saved and stopped.

    Returns:
        The result of the job.

    Raises:
        Preempted: The worker wanted the job stopped, and it has saved.
        Exception: Anything that went wrong; see `trial_process.failure_class`.
    """
    if isinstance(job, TrainJob):
        load_plugins_of(own_parts_in(job.config), job.files)
    elif isinstance(job, ScoreJob | SampleJob):
        protocol = job.protocol if isinstance(job, ScoreJob) else None
        extractor = None if protocol is None else protocol.extractor_part
        load_plugins_of([*own_parts_in(job.train, job.evaluation), *_parts(feature_extractor=extractor)], job.files)
    elif isinstance(job, PrepareJob):
        parts = _parts(dataset=job.data.part, feature_extractor=job.request.extractor_part)
        load_plugins_of(parts, job.files)
    match job:
        case CheckJob() | CheckDeviceJob():
            return try_plugins(job) if isinstance(job, CheckJob) else check_device(device)
        case PrepareJob():
            return prepare(job, send, device)
        case MeasureJob():
            for source in job.sources:
                load_source(source)
            return time_training(job, device)
        case TrainJob():
            return train_run(job, device, cache, send, should_stop)
        case ScoreJob() if job.train.given is not None:
            on_measured = _stoppable(counting("measuring", send), should_stop)
            return score_given(job, job.train.given, device, on_measured, should_stop)
        case ScoreJob():
            return score_run(job, device, send, should_stop)
        case SampleJob():
            return sample_run(job, device, send, should_stop)
        case ScoreItemsJob():
            return score_items(job, device, send, should_stop)


def _parts(**parts: OwnPart | None) -> list[tuple[str, OwnPart]]:
    """Those that are parts of plugins, each with the name of its kind."""
    return [(kind, part) for kind, part in parts.items() if part is not None]


def train_run(
    job: TrainJob, device: torch.device, cache: StepStateCache, send: Send, should_stop: ShouldStop
) -> Trained:
    """Train a run from its newest readable checkpoint.

    Args:
        job: The run, its files and where to stop.
        device: Device on which it trains.
        cache: Compiled steps and buffers of earlier trainings of this process.
        send: Sends points of the curves and checkpoints to the worker.
        should_stop: Whether the worker wants the run saved and stopped.

    Returns:
        The weights of the last step.

    Raises:
        Preempted: The worker wanted the run stopped, and it has saved.
        Diverged: The loss is not finite.
    """
    started = time.monotonic()
    context = RunContext(
        folder=job.files.path(job.folder),
        attempt=job.attempt,
        device=device,
        micro_batches=job.micro_batches,
        channels_last=channels_last(job.config.net.kind),
        starting_weights=None if job.config.init_from is None else required_weights(job.files, job.config.init_from),
    )
    dataset, memory = dataset_of(job.config.data), PeakMemory(device)

    def report(progress: Progress) -> None:
        execution = execution_record(progress.capture)
        message = Progressed(
            progress.step, progress.images, progress.metrics, peak_bytes=memory.bytes, execution=execution
        )
        send(message)

    files = RunFiles(job, send, should_stop)
    result = train(
        job.config,
        dataset,
        context,
        hooks=Hooks(report=report, saved=files.on_checkpoint, should_stop=should_stop),
        cadence=TrainingCadence(
            reports=job.cadence.curve_points,
            validations=validation_points(
                job.cadence.curve_points, images=job.config.images, held_out=len(dataset.validation)
            ),
            checkpoint_seconds=job.cadence.checkpoint_seconds,
        ),
        resume=files.newest_checkpoint(device),
        cache=cache,
        until=job.until_step,
    )
    kind = "weights" if result.step == job.config.steps else "rung"
    weights = files.upload(kind, result.weights)
    seconds = time.monotonic() - started
    facts = schedule_facts(betas_of(job.config)) if isinstance(job.config.schedule, OwnPart) else None
    return Trained(weights, result.parameters, seconds, facts)


def score_run(job: ScoreJob, device: torch.device, send: Send, should_stop: ShouldStop) -> Scored:
    """Sample images from one average of the weights, and measure them. A score that is stopped starts again.

    Args:
        job: The run, the evaluation and its protocol.
        device: Device on which it samples and measures.
        send: Sends the number of sampled images to the worker.
        should_stop: Whether the worker wants the score stopped.

    Returns:
        Every number of the score, and its files.

    Raises:
        Preempted: The worker wanted the score stopped.
        UnreadableWeights: The weights are missing, incomplete or altered.
    """
    memory, on_images = PeakMemory(device), _stoppable(counting("sampling", send), should_stop)
    assert job.weights is not None
    sampled = sampled_net(job.train, job.evaluation, job.weights, job.files, device, reference=job.protocol.reference)
    folder = job.files.path(job.folder)
    evaluator = evaluator_of(job.protocol, job.train.data, job.files, device)
    result = score(
        sampled.net,
        sampled.diffusion,
        job.evaluation,
        evaluator,
        target=target_of(job.train, device),
        seed=job.train.seed,
        folder=folder,
        labels=sampled.labels,
        guidance=sampled.guidance,
        precision=job.train.precision,
        on_progress=on_images,
    )
    subject = EvaluatedNet(
        net=sampled.net,
        diffusion=sampled.diffusion,
        config=job.evaluation,
        target=target_of(job.train, device),
        seed=job.train.seed,
        evaluator=evaluator,
        dataset=dataset_of(job.train.data),
        scored=result.sets,
        samples=result.samples,
        labels=sampled.labels,
        guidance=sampled.guidance,
        folder=folder,
        references=job.files.path(EXTRACTORS),
        precision=job.train.precision,
        on_progress=on_images,
    )
    record = score_record(result, measure_extra_metrics(subject), job.folder, job.files.folder)
    record = replace(record, peak_bytes=memory.bytes)
    for artifact in record.artifacts:
        upload_file(job.files, artifact.path, should_stop)
    return Scored(record)


def _stoppable(count: Callable[[int, int], None], should_stop: ShouldStop) -> Callable[[int, int], None]:
    """Count sampled images, and raise Preempted once the worker wants the score stopped."""

    def on_images(done: int, total: int) -> None:
        if should_stop():
            raise Preempted(
                f"scoring was stopped after {done:,} of {quantity(total, 'image')}", why="The worker was asked to stop."
            )
        count(done, total)

    return on_images
