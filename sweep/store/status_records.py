"""What the store says of a study as a whole: its work, what runs, what failed and what is left, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sweep.store.records import StudyRecord
from sweep.store.states import FailureClass, Phase, RunState, StudyStatus, WorkKind


@dataclass(frozen=True, slots=True)
class WorkLeft:
    """What is left of a study, including what is under way.

    Attributes:
        state: The `StudyState`.
        spec: The study file of the newest revision, as plain values.
        runs: Number of runs that are not finished.
        scores: Number of scores that are not finished.
    """

    state: str
    spec: Mapping[str, Any]
    runs: int
    scores: int

    @property
    def nothing(self) -> bool:
        """Whether no run and no score is left. A study that grows may still get more of both."""
        return self.runs + self.scores == 0


@dataclass(frozen=True, slots=True)
class ArmStatus:
    """How many cells of an arm are in each state (see `CellRecord.state`)."""

    name: str
    is_baseline: bool
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RunningRecord:
    """Work under a lease now; stale when the lease is over by the database's clock."""

    kind: WorkKind
    run_id: int
    score_id: int | None
    arm_name: str
    replicate: int
    seed: int
    worker_id: str
    host: str
    device: str
    step: int
    steps: int
    started_at: datetime
    lease_left_seconds: float

    @property
    def is_training(self) -> bool:
        """Whether a run is trained; otherwise a score is made."""
        return self.kind == WorkKind.TRAIN

    @property
    def is_stale(self) -> bool:
        """Whether the lease was not renewed in time: the next idle worker takes the work over."""
        return self.lease_left_seconds < 0.0


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """Why a cell has no number."""

    cell_id: int
    arm_name: str
    phase: Phase
    replicate: int
    seed: int
    run_id: int
    score_id: int | None
    state: str
    failure: str | None
    reason: str

    @property
    def is_diverged(self) -> bool:
        """Whether a loss, a gradient, a sample or a score was not finite."""
        return self.failure == FailureClass.NAN

    @property
    def is_intended(self) -> bool:
        """Whether this end is a result or somebody's decision: pruned, diverged or cancelled."""
        return self.is_diverged or self.state in (RunState.PRUNED, RunState.INFEASIBLE, RunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class FullDisk:
    """A machine that gave work back because its disk was full, and the work has not been taken since.

    Attributes:
        host: The machine's name.
        waiting: Pieces of work that wait for a retry.
        since: When the last of them was given back, by the database's clock.
        reason: What could not be written, and where.
    """

    host: str
    waiting: int
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class StatusRecord:
    """A study at one moment.

    Attributes:
        failures: Why cells have no number, whether that was intended or not.
        runs_left: Planned runs that are still to be trained, those under way included.
        scores_left: Scores still to be made, those under way included.
        delayed: Of these, how many wait for a retry time.
        full_disks: Machines that gave work back because their disk was full.
        to_come: Trainings that are not planned yet, because what they train is decided on the way: trials of a search,
            confirmations, steps of a path.
    """

    study: StudyRecord
    arms: tuple[ArmStatus, ...]
    running: tuple[RunningRecord, ...]
    failures: tuple[FailureRecord, ...]
    runs_left: int
    scores_left: int
    delayed: int
    full_disks: tuple[FullDisk, ...] = ()
    to_come: int = 0

    @property
    def failed(self) -> tuple[FailureRecord, ...]:
        """The failures that nobody intended."""
        return tuple(failure for failure in self.failures if not failure.is_intended)

    @property
    def trainings_left(self) -> int:
        """Number of trainings that are still to be done, planned or to come."""
        return self.runs_left + self.to_come

    @property
    def has_work(self) -> bool:
        """Whether anything is still to be done, planned or not."""
        return self.trainings_left + self.scores_left > 0

    @property
    def is_stalled(self) -> bool:
        """Whether there is work left and nobody holds a live lease."""
        return self.has_work and self.study.is_active and all(work.is_stale for work in self.running)

    @property
    def state(self) -> StudyStatus:
        """The state in which somebody has set the study; active without any work left is complete."""
        complete = self.study.is_active and not self.has_work
        return StudyStatus.COMPLETE if complete else StudyStatus(self.study.state)

    def __str__(self) -> str:
        counts = [
            f"{self.trainings_left} training{'s' * (self.trainings_left != 1)} left",
            f"{self.scores_left} score{'s' * (self.scores_left != 1)} left",
            f"{len(self.running)} running",
            f"{len(self.failed)} failed",
        ]
        return f"{self.study.name}: {self.state}, {', '.join(counts)}"

    __repr__ = __str__
