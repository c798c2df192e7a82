"""Tuning runs: trials that Optuna chooses around one arm, and the cells that their results ask for.

One trial is one training, and its scores decide nothing. A search is one tuning run of all factors around the baseline.
Tuning is one run of the nuisance factors around each arm, all with the same number of trials.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sweep.config.designs.arms import Arm
from sweep.config.designs.tune import SearchSampler
from sweep.config.factors import Changes, Factor, at_boundary
from sweep.quantities import quantity


@dataclass(frozen=True)
class TuningRun:
    """What Optuna chooses around one arm.

    Attributes:
        arm: The arm that is tuned; the baseline in a search.
        factors: What Optuna chooses; the others stay as the arm has them.
        trials: Trainings, exactly.
        search_sampler: Optuna's sampler.
        prefix: Start of its trials' names; no other tuning run of the study has it.
    """

    arm: Arm
    factors: Mapping[str, Factor]
    trials: int
    search_sampler: SearchSampler
    prefix: str

    def trial(self, number: int, changes: Changes) -> Arm:
        """The arm that a trial trains.

        Args:
            number: Of the trial, from 0.
            changes: What the trial changes of the arm that is tuned.
        """
        return Arm(f"{self.prefix}{number:04d}", self.arm.changes | changes)

    def number_of(self, arm_name: str) -> int | None:
        """The number of a trial of this run by its arm's name; None for any other arm."""
        number = arm_name.removeprefix(self.prefix)
        return int(number) if number != arm_name and number.isdecimal() else None

    def numbered(self, changes: Mapping[str, Changes]) -> dict[int, Changes]:
        """Of changes by arm name, those of this run's trials, by number."""
        numbers = {name: self.number_of(name) for name in changes}
        return {number: changes[name] for name, number in numbers.items() if number is not None}

    def at_boundaries(self, changes: Changes) -> dict[str, str]:
        """Factor -> `low` or `high`, of those whose chosen value lies at an end of what was tried."""
        ends = {name: at_boundary(factor, changes[name]) for name, factor in self.factors.items() if name in changes}
        return {name: end for name, end in ends.items() if end is not None}


@dataclass(frozen=True)
class CellRequest:
    """All replicates of an arm in one phase.

    Attributes:
        arm: As it is trained, tuned values included.
        is_exploratory: Trained on seeds that the verdict never uses, to choose what comes next.
        event: Kind of the line in the log that says why; "" for none.
        message: That line.
        detail: What is stored with it.
    """

    arm: Arm
    is_exploratory: bool = False
    event: str = ""
    message: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


class TrialResults(Protocol):
    """What is known of a study's exploratory trainings, as designs ask for it."""

    def is_finished(self, tuning_run: TuningRun) -> bool:
        """Whether all trials of a tuning run exist and have come to an end."""

    def ranked(self, tuning_run: TuningRun) -> list[tuple[str, Changes]]:
        """Names and changes of the trials that have a score, best first."""

    def mean_score(self, arm_name: str) -> float | None:
        """Mean score of an arm's exploratory trainings, lower is better; infinite where one of them has none.

        None while one of them is missing or under way.
        """


def tuned_cells(tuning_run: TuningRun, trials: TrialResults) -> CellRequest:
    """An arm at its best nuisance values, on fresh seeds; as it stands where no trial of it has a score.

    Args:
        tuning_run: One that is finished.
        trials: What its trials came to.
    """
    arm = tuning_run.arm
    ranked = trials.ranked(tuning_run)
    if not ranked:
        message = f"{arm.name}: no trial has a score; it is trained untuned"
        return CellRequest(arm, False, "tuned", message, {"arm": arm.name, "changes": {}, "boundary": {}})
    name, changes = ranked[0]
    tuned = {field: value for field, value in changes.items() if field not in arm.changes}
    detail = {"arm": arm.name, "trial": name, "changes": tuned, "boundary": tuning_run.at_boundaries(tuned)}
    message = f"{arm.name} tuned in {quantity(tuning_run.trials, 'trial')}: {name} is the best"
    return CellRequest(Arm(arm.name, arm.changes | tuned), False, "tuned", message, detail)
