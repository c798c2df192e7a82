"""The states of work and the ends of attempts, as the tables hold them: compared by these names, never by hand."""

from __future__ import annotations

from enum import StrEnum


class WorkKind(StrEnum):
    """The kind of work that a worker claims."""

    TRAIN = "train"
    SCORE = "score"


class Phase(StrEnum):
    """The phase of a cell: scores of the search choose trials; only the scores of fresh seeds decide."""

    SEARCH = "search"
    CONFIRM = "confirm"


class StudyState(StrEnum):
    """The state of a study: what its workers may do."""

    ACTIVE = "active"
    PAUSED = "paused"
    """Workers give back what they hold, and wait."""
    STOPPED = "stopped"
    """Workers finish what they hold, and end."""
    CANCELLED = "cancelled"
    """Workers give back what they hold, and end; what nobody else wants is cancelled."""


class StudyStatus(StrEnum):
    """A study as `sweep status` shows it: its state, or complete."""

    ACTIVE = StudyState.ACTIVE
    COMPLETE = "complete"
    """Active, and no work is left."""
    PAUSED = StudyState.PAUSED
    STOPPED = StudyState.STOPPED
    CANCELLED = StudyState.CANCELLED


class StepExecution(StrEnum):
    """Of an attempt: how its training step, or the net that it sampled from, was run."""

    CAPTURED = "captured"
    """Launched as one CUDA graph."""
    EAGER = "eager"
    """Called kernel by kernel."""


class RunState(StrEnum):
    """The state of a training; `trained` and all after it are ends."""

    PLANNED = "planned"
    TRAINING = "training"
    TRAINED = "trained"
    PRUNED = "pruned"
    INFEASIBLE = "infeasible"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ScoreState(StrEnum):
    """The state of an evaluation; `complete` and all after it are ends."""

    PLANNED = "planned"
    SCORING = "scoring"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"


class FinalState(StrEnum):
    """The state of a run or a score that failed for good."""

    FAILED = "failed"
    INFEASIBLE = "infeasible"
    """The training diverged."""
    PRUNED = "pruned"
    """A pruner stopped the training."""


class AttemptEnd(StrEnum):
    """How an attempt ended in `attempt.end_reason`, beside failures (a `FailureClass`) and `released: REASON`."""

    TRAINED = "trained"
    PAUSED = "paused"
    COMPLETE = "complete"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    """Nobody wanted the work any more: its cell was excluded, or reads another run."""


class FailureClass(StrEnum):
    """Why an attempt failed; it decides what is done about it (`worker.failures`)."""

    PREEMPTED = "preempted"
    INFRA = "infra"
    """The machine, the network or the storage."""
    OOM = "oom"
    NAN = "nan"
    """A loss, a gradient, a sample or a score is not finite."""
    BUG = "bug"
    CRASH_LOOP = "crash_loop"
    """The process died again and again without getting further."""
    DISK_FULL = "disk_full"
    WEIGHTS = "weights"
    """The weights to be scored are damaged or gone."""
    NO_IMAGES = "no_images"
    """The images of the study cannot be had on this machine."""
    CANCELLED = "cancelled"


class WorkerEnd(StrEnum):
    """How a worker ended, in `worker.end_reason`."""

    DONE = "done"
    """It found nothing more to do."""
    PREEMPTED = "preempted"
    FAILED = "failed"
    DIED = "died"
    """Its process is gone, and another process noticed it."""


class EventKind(StrEnum):
    """What an event of the log reports; beside these, the `FailureClass` of work that failed or was given back."""

    STUDY = "study"
    """Its state was changed by somebody."""
    REVISION = "revision"
    EXCLUDE = "exclude"
    RERUN = "rerun"
    IMAGES = "images"
    TAKEOVER = "takeover"
    ARTIFACT = "artifact"
    """A file was recorded again with other bytes."""
    MICRO_BATCHES = "micro_batches"
    NOT_FINITE = "not_finite"
    RETRAINED = "retrained"
    WARNING = "warning"
    INFEASIBLE_DRAW = "infeasible_draw"
    SUBSET = "subset"
    """A search sampler models only some of the finished trials."""
    PRUNED = "pruned"
    TUNED = "tuned"
    CONFIRMED = "confirmed"
    PATH_STEP = "path_step"


class CellState(StrEnum):
    """The state of a cell: its run's, and once the run is trained that of its scores; `excluded` before all others."""

    PLANNED = "planned"
    TRAINING = "training"
    TRAINED = "trained"
    SCORING = "scoring"
    COMPLETE = "complete"
    PRUNED = "pruned"
    INFEASIBLE = "infeasible"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXCLUDED = "excluded"


class CellStatus(StrEnum):
    """What became of a planned cell, in the order in which reports list it."""

    DONE = "done"
    FAILED = "failed"
    EXCLUDED = "excluded"
    PRUNED = "pruned"
    MISSING = "missing"


UNFINISHED_TRAININGS = frozenset({RunState.PLANNED, RunState.TRAINING})
UNFINISHED_SCORES = frozenset({ScoreState.PLANNED, ScoreState.SCORING})
UNFINISHED_CELLS = frozenset({CellState.PLANNED, CellState.TRAINING, CellState.TRAINED, CellState.SCORING})
