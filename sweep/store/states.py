"""The states of work and the ends of attempts, as the tables hold them: compared by these names, never by hand."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    """Of a training; `trained` and all after it are ends."""

    PLANNED = "planned"
    TRAINING = "training"
    TRAINED = "trained"
    PRUNED = "pruned"
    INFEASIBLE = "infeasible"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ScoreState(StrEnum):
    """Of an evaluation; `complete` and all after it are ends."""

    PLANNED = "planned"
    SCORING = "scoring"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AttemptEnd(StrEnum):
    """How an attempt ended in `attempt.end_reason`, beside failures (a `FailureClass`) and `released: REASON`."""

    TRAINED = "trained"
    PAUSED = "paused"
    COMPLETE = "complete"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    """Nobody wanted the work any more: its cell was excluded, or reads another run."""


class CellState(StrEnum):
    """Of a cell: the state of its run, and of a trained run that of its scores; `excluded` before all others."""

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
    """What became of a planned cell, in the order in which reports tell them."""

    DONE = "done"
    FAILED = "failed"
    EXCLUDED = "excluded"
    PRUNED = "pruned"
    MISSING = "missing"
