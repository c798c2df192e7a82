"""One training, from a config to weights on disk; stopped and resumed at will without changing a bit on the CPU."""

from __future__ import annotations

import time
from collections.abc import Callable

from sweep.config.run import TrainConfig
from sweep.data.dataset import Dataset
from sweep.errors import Preempted
from sweep.training import checkpoint
from sweep.training.checkpoint import Checkpoint, CheckpointRef
from sweep.training.interfaces import Hooks, Progress, RunContext, TrainingCadence, TrainResult
from sweep.training.step_state import StepStateCache
from sweep.training.trainer import Training

# Of an attempt. A run that is killed again and again still makes progress, and one that cannot survive its next step
# can be told from one that was only interrupted.
FIRST_CHECKPOINT_SECONDS = 15.0

NO_HOOKS, USUAL_CADENCE = Hooks(), TrainingCadence()


def train(
    config: TrainConfig,
    dataset: Dataset,
    context: RunContext,
    *,
    hooks: Hooks = NO_HOOKS,
    cadence: TrainingCadence = USUAL_CADENCE,
    resume: Checkpoint | None = None,
    cache: StepStateCache | None = None,
    until: int | None = None,
) -> TrainResult:
    """Train a config to its end, or as far as `until` of the same training.

    Args:
        config: Config of the run.
        dataset: The data that `config.data` names.
        context: Device, folder and attempt. How many threads torch uses is for the caller to set.
        hooks: Functions that get the curves and checkpoints, and one that may stop the training.
        cadence: How often curves are reported and checkpoints saved.
        resume: A checkpoint of the same run, made on the same kind of device, to continue from.
        cache: Cache of this process: a run after one of an equal net begins with that run's captured step.
        until: Step to pause at: a checkpoint is saved there, and the weights are those of that step.

    Returns:
        How far it got, and the file of its weights.

    Raises:
        InfeasibleConfig: The config's values make no sense together or with these images.
        Preempted: `hooks.should_stop` said so; a checkpoint of the step is saved.
        Diverged: Loss or gradients are not finite.
        CheckpointError: `resume` is of another run or version.
        SweepError: A checkpoint could not be written.
    """
    run = Training(config, dataset, context, sync_every_steps=cadence.sync_every_steps, cache=cache)
    last = None if resume is None else resume.ref
    if resume is not None:
        run.load_state_dict(resume.state)
        del resume  # it lies on the device, as large as net, optimizer and averages together
    saver = _CheckpointSaver(run, hooks.saved, last, cadence.checkpoint_seconds)
    _run_steps(run, config.steps if until is None else min(until, config.steps), hooks, cadence, saver)
    return _result(run)


def _run_steps(run: Training, end: int, hooks: Hooks, cadence: TrainingCadence, saver: _CheckpointSaver) -> None:
    """Make the steps up to `end`: report and save between them, and stop when `hooks.should_stop` says so."""
    config, timer = run.config, _StepTimer(run.step)
    while run.step < end:
        if hooks.should_stop():
            saver.save()
            raise Preempted(
                f"stopped after step {run.step} of {config.steps}",
                why="asked to stop",
                next="the same command continues from there",
            )
        run.advance()
        validate = _is_due(run.step, config.steps, cadence.validations)
        if validate or _is_due(run.step, config.steps, cadence.reports):
            speed = {"images_per_second": timer.steps_per_second(run) * config.batch}
            metrics = run.metrics(validate=validate) | speed
            hooks.report(Progress(run.step, run.step * config.batch, metrics, run.step_state.capture))
            timer = _StepTimer(run.step)
        if saver.is_due:
            saver.save()
    run.metrics_buffer.flush()
    if run.step < config.steps:
        saver.save()


def _result(run: Training) -> TrainResult:
    """Write the weights of a run that has made its steps."""
    weights = checkpoint.save_weights(
        run.averages,
        run.context.folder,
        step=run.step,
        attempt=run.context.attempt,
        snapshots=run.power.snapshots if run.power is not None else (),
        earlier=run.step_state.earlier.rows(),
    )
    parameters = sum(p.numel() for p in run.net.parameters())
    return TrainResult(run.step, run.step * run.config.batch, weights, parameters)


def _is_due(step: int, steps: int, points: int) -> bool:
    """Whether `step` is one of at most `points` evenly spaced ones, of which the last step is one."""
    return points > 0 and (step == steps or step % -(-steps // points) == 0)


class _StepTimer:
    """Times the steps from now on, without the validation between them."""

    def __init__(self, step: int) -> None:
        self._step, self._start = step, time.monotonic()

    def steps_per_second(self, run: Training) -> float:
        run.metrics_buffer.flush()  # waits for the device: its queue is not work done
        return (run.step - self._step) / max(time.monotonic() - self._start, 1e-9)


class _CheckpointSaver:
    """Saves checkpoints of a run, no step twice."""

    def __init__(
        self, run: Training, saved: Callable[[CheckpointRef], None], last: CheckpointRef | None, every: float
    ) -> None:
        self._run, self._saved = run, saved
        self._last_step = None if last is None else last.step
        self._last_seconds, self._every = time.monotonic(), every
        self._wait = min(FIRST_CHECKPOINT_SECONDS, every)

    @property
    def is_due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self._last_seconds >= self._wait

    def save(self) -> None:
        run, context = self._run, self._run.context
        if self._last_step != run.step:
            self._saved(checkpoint.save(run.state_dict(), context.folder, step=run.step, attempt=context.attempt))
            self._last_step = run.step
        self._last_seconds, self._wait = time.monotonic(), self._every
