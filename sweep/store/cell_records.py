"""What the store says of a cell: the replicate of an arm, its run, and its scores, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweep.store.records import Measurement
from sweep.store.states import Phase


@dataclass(frozen=True, slots=True)
class ScoreRecord:
    """A score that a cell asked for, with its measurements when it is complete.

    Attributes:
        score_id: Row id of the score.
        level: Evaluation levels of the score by field; {} for the primary one.
        is_primary: Whether this is the score that decides comparisons.
        state: The `ScoreState`.
        failure: The `FailureClass` of its last failure; None where there was none.
        failure_reason: Why it failed, for people.
        measurements: Its numbers; empty until it is complete.
    """

    score_id: int
    level: Mapping[str, Any]
    is_primary: bool
    state: str
    failure: str | None
    failure_reason: str | None
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True)
class RungRecord:
    """A score of a cell's run by a cheaper protocol, or of the weights before the end of the training.

    Attributes:
        step: Optimizer step of the weights.
        protocol_key: Key of the protocol under which the score is made.
        state: The `ScoreState`.
        measurements: Its numbers; empty until it is complete.
    """

    step: int
    protocol_key: str
    state: str
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True)
class CellRecord:
    """One replicate of an arm and what became of it.

    Attributes:
        cell_id: Row id of the cell.
        arm_name: Name of the arm.
        phase: Whether the cell belongs to the search or decides.
        replicate: Number of the replicate within its arm, from 0.
        trial_number: Number of the search trial; None for every other cell.
        excluded_reason: Why the cell is left out of every comparison; None where it is not.
        state: The `CellState`: the run's, but `complete` or `failed` once every score of a trained run is; `excluded`
            before all others.
        run_id: Row id of the run.
        run_state: The `RunState` of the run.
        train_key: Hash of the training config, by which studies share the run.
        seed: Seed of the run.
        step: Optimizer steps that are done.
        steps: Optimizer steps of the whole training.
        images: Images seen so far.
        seconds: Seconds for which ended attempts at the training held a device.
        failure: The `FailureClass` of the run's last failure; None where there was none.
        failure_reason: Why the run failed, for people.
        scores: Scores of the finished training under the study's protocol.
        rungs: All other scores; they decide no cell's state.
        paused_at: Optimizer step of the rung at which the training waits; None while it does not wait.
    """

    cell_id: int
    arm_name: str
    phase: Phase
    replicate: int
    trial_number: int | None
    excluded_reason: str | None
    state: str
    run_id: int
    run_state: str
    train_key: str
    seed: int
    step: int
    steps: int
    images: int
    seconds: float
    failure: str | None
    failure_reason: str | None
    scores: tuple[ScoreRecord, ...]
    rungs: tuple[RungRecord, ...] = ()
    paused_at: int | None = None

    def __str__(self) -> str:
        return f"{self.arm_name}, replicate {self.replicate} (run {self.run_id}): {self.state}"

    __repr__ = __str__
