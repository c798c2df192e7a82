"""Explorations: the parts of a study that Optuna chooses. One trial is one training, and its scores decide nothing.

A search is one exploration of all factors around the baseline. Tuning is one exploration of the nuisance factors around
each arm, all with the same number of trials.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sweep.config.design import Path, Search, SearchSampler
from sweep.config.factors import Changes, Factor
from sweep.config.study import Study
from sweep.design.arms import BASELINE, Arm, arms_of
from sweep.store.records import Measurement
from sweep.store.snapshots import CellRecord
from sweep.store.states import RunState, ScoreState

# Search sampler -> the most finished trials that it models. A draw then takes about a second (sweep/docs/scaling.md).
MAX_MODELLED = {"gp": 500}


@dataclass(frozen=True)
class TuningRun:
    """What Optuna chooses around one arm.

    Attributes:
        arm: Around which it explores; the baseline in a search.
        factors: What it chooses; the others stay as the arm has them.
        trials: Trainings, exactly.
        search_sampler: Optuna's sampler.
        prefix: Of its trials' names, apart from any other exploration's of the study.
    """

    arm: Arm
    factors: Mapping[str, Factor]
    trials: int
    search_sampler: SearchSampler
    prefix: str

    def trial(self, number: int, changes: Changes) -> Arm:
        """The arm that a trial asks for."""
        return Arm(f"{self.prefix}{number:04d}", self.arm.changes | changes)

    def number_of(self, arm_name: str) -> int | None:
        """The number of a trial of this exploration by its arm's name; None for any other arm."""
        number = arm_name.removeprefix(self.prefix)
        return int(number) if number != arm_name and number.isdecimal() else None

    def numbered(self, changes: Mapping[str, Changes]) -> dict[int, Changes]:
        """Of changes by arm name, those of this exploration's trials, by number."""
        numbers = {name: self.number_of(name) for name in changes}
        return {number: changes[name] for name, number in numbers.items() if number is not None}


def exceeds(search_sampler: str, trials: int) -> bool:
    """Whether a sampler models only some of so many finished trials."""
    return trials > MAX_MODELLED.get(search_sampler, trials)


class Advance(StrEnum):
    """What came of trying to add the next cells of a study that grows."""

    ADDED = "added"
    NOTHING_DUE = "nothing due"
    UNKNOWN = "unknown"
    """Another worker has the advisor's lease, or took it meanwhile: more may be due, so nobody may leave."""


def grows(study: Study) -> bool:
    """Whether a study gets cells after its launch."""
    return isinstance(study.design, Search | Path) or study.tune is not None


def tuning_runs_of(study: Study) -> list[TuningRun]:
    """What Optuna chooses in a study: nothing, everything, or the nuisance factors of each arm."""
    design = study.design
    if isinstance(design, Search):
        factors = study.factors_of("scientific", "nuisance")
        return [TuningRun(Arm(BASELINE, {}), factors, design.trials, design.search_sampler, "trial-")]
    if study.tune is None:
        return []
    factors, tune = study.factors_of("nuisance"), study.tune
    return [TuningRun(arm, factors, tune.trials, tune.search_sampler, f"{arm.name} / trial-") for arm in arms_of(study)]


@dataclass(frozen=True)
class Known:
    """What the store holds of a study.

    Attributes:
        cells: All of them, in any state.
        changes: Arm name -> its difference from the baseline.
        metric: The score that decides; lower is better.
    """

    cells: tuple[CellRecord, ...]
    changes: Mapping[str, Changes]
    metric: str
    _trials: dict[str, dict[int, CellRecord]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def trials(self, tuning_run: TuningRun) -> Mapping[int, CellRecord]:
        """Trial number -> cell, of the trials that count."""
        if tuning_run.prefix not in self._trials:  # each asking wants them a few times, and there are thousands
            self._trials[tuning_run.prefix] = {
                number: cell
                for cell in self.cells
                if cell.phase == "search" and (number := tuning_run.number_of(cell.arm_name)) is not None
            }
        return self._trials[tuning_run.prefix]

    def counted(self, tuning_run: TuningRun) -> int:
        """Trials that count towards the total: excluded ones are replaced by others."""
        return sum(cell.excluded_reason is None for cell in self.trials(tuning_run).values())

    def explored(self, tuning_run: TuningRun) -> bool:
        """Whether all trials are there and have come to an end; excluded ones are replaced by others."""
        counted = [cell for cell in self.trials(tuning_run).values() if cell.excluded_reason is None]
        return len(counted) >= tuning_run.trials and all(map(is_over, counted))

    def ranked(self, tuning_run: TuningRun) -> list[tuple[str, Changes]]:
        """Names and changes of the trials that have a score, best first; the earlier one of equals."""
        scored = sorted(
            (value, number, cell.arm_name)
            for number, cell in self.trials(tuning_run).items()
            if cell.excluded_reason is None and (value := self.value(cell)) is not None
        )
        return [(name, self.changes[name]) for _, _, name in scored]

    def value(self, cell: CellRecord) -> float | None:
        """A cell's primary score."""
        return next((value_of(score.measurements, self.metric) for score in cell.scores if score.is_primary), None)


def value_of(measurements: tuple[Measurement, ...], metric: str) -> float | None:
    """Mean over noise sets, where it is there and finite."""
    means = (each.value for each in measurements if each.name == metric and each.noise_set == -1)
    return next((value for value in means if math.isfinite(value)), None)


def is_over(cell: CellRecord) -> bool:
    """Whether nothing more will come of a cell: all its scores are made, or none will be."""
    return cell.state not in ("planned", "training", "trained", "scoring")


def is_informative(cell: CellRecord) -> bool:
    """Whether the end of a trial tells anything about its settings: a score, a lost rung, a divergence, or a net that
    fits no memory here. A machine that died, an error in the code, or a person's decision would have ended any."""
    if cell.excluded_reason is not None:
        return False
    if cell.run_state != RunState.TRAINED:
        return cell.run_state in (RunState.PRUNED, RunState.INFEASIBLE) or cell.failure == "oom"
    primary = next((score for score in cell.scores if score.is_primary), None)
    return primary is not None and (primary.state == ScoreState.COMPLETE or primary.failure in ("nan", "oom"))
