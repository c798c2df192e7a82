"""From a claim to a job, and from a job's messages to the store."""

from __future__ import annotations

from sweep.config.data import DataConfig
from sweep.config.earlier_weights import step_at
from sweep.config.keys import eval_key, train_key
from sweep.config.study import Cadence
from sweep.config.values import shortest
from sweep.data.left_out import escaped
from sweep.errors import UnreadableWeights
from sweep.files.file_names import run_folder
from sweep.files.file_store import FileStore
from sweep.quantities import quantity
from sweep.store.queue.progress import progress
from sweep.store.records import Claim, MetricPoint
from sweep.store.sql.transaction import Store
from sweep.store.states import WorkKind
from sweep.worker.messages import Progressed
from sweep.worker.orders import Job, ScoreJob, TrainJob


def job_of(claim: Claim, cadence: Cadence, files: FileStore, images: DataConfig) -> Job:
    """The job that a trial process has to do for a claim.

    Args:
        claim: The claimed run or score.
        cadence: How many points the curves have, and how often a checkpoint is saved.
        files: File store of checkpoints, weights and grids.
        images: The images of the study, at their folder on this machine. A run identifies them by their hash.

    Raises:
        UnreadableWeights: The store lists no weights for a score.
    """
    train = claim.train_config
    train = train.model_copy(update={"data": train.data.lies_at(images)})
    if claim.kind == WorkKind.TRAIN:
        return TrainJob(
            config=train,
            cadence=cadence,
            files=files,
            folder=run_folder(train_key(claim.train_config)),
            attempt=claim.attempt_name,
            checkpoints=claim.checkpoints,
            micro_batches=claim.micro_batches,
            until_step=claim.until_step,
        )
    assert claim.eval_config is not None
    assert claim.protocol is not None
    if claim.weights is None and train.given is None:
        step = claim.train_config.steps if claim.score_step is None else claim.score_step
        raise UnreadableWeights(
            f"the store lists no weights of run {claim.run_id} at step {step}",
            why="The run was trained further since, or the file is damaged.",
        )
    key = eval_key(claim.eval_config, claim.protocol, step=claim.score_step)
    return ScoreJob(
        train=train,
        evaluation=claim.eval_config,
        protocol=claim.protocol,
        weights=claim.weights,
        files=files,
        # The attempt is part of the name, so that a worker that has lost its lease overwrites nothing.
        folder=f"{run_folder(train_key(claim.train_config))}/scores/{key[:16]}.{claim.attempt_name}",
    )


def label(claim: Claim) -> str:
    """A claim as the log names it: its run, and for a score the weights and the sampler.

    Args:
        claim: The claimed run or score.
    """
    config = claim.train_config
    if claim.eval_config is None:
        return f"run {claim.run_id} (seed {config.seed}, step {claim.step} of {config.steps})"
    evaluation = claim.eval_config
    if config.given is not None and config.given.is_images:
        return f"run {claim.run_id} (given: {escaped(config.given.path)})"
    length = evaluation.ema_decay if evaluation.ema_std is None else evaluation.ema_std
    average = f"EMA {'decay' if evaluation.ema_std is None else 'std'} {shortest(length)}"
    if evaluation.ema_start != "corrected" and evaluation.ema_std is None:
        average += f" ({evaluation.ema_start})"
    step = claim.score_step
    if evaluation.training_share < 1.0:
        step = step_at(evaluation.training_share, config.steps)
    earlier = "" if step is None else f" after step {step},"
    return (
        f"run {claim.run_id}{earlier} at {average}, {evaluation.sampler} {quantity(evaluation.sampling_steps, 'step')}"
    )


def record_progress(store: Store, claim: Claim, message: Progressed) -> None:
    """Record a point of the curves or a checkpoint, under the claim's fencing token.

    Args:
        store: The store that the work was claimed in.
        claim: The claimed run.
        message: The point or the checkpoint.

    Raises:
        LeaseLost: Another worker holds this work now.
    """
    points = [MetricPoint(name, message.step, message.images, value) for name, value in message.metrics.items()]
    progress(
        store,
        claim,
        step=message.step,
        images=message.images,
        points=points,
        checkpoint=message.checkpoint,
        peak_bytes=message.peak_bytes,
        execution=message.execution,
    )
