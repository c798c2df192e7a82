"""What the store holds of a study's trials, as a design and the scheduler read it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from sweep.config.designs.tuning import TuningRun
from sweep.config.factors import Changes
from sweep.store.cell_records import CellRecord
from sweep.store.records import OVER_NOISE_SETS, Measurement
from sweep.store.states import UNFINISHED_CELLS, FailureClass, Phase, RunState, ScoreState


@dataclass(frozen=True)
class TrialRecords:
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
        """Trial number -> cell, of a tuning run; excluded trials are among them."""
        if tuning_run.prefix not in self._trials:  # wanted a few times for each suggestion, and there are thousands
            self._trials[tuning_run.prefix] = {
                number: cell
                for cell in self.cells
                if cell.phase == Phase.SEARCH and (number := tuning_run.number_of(cell.arm_name)) is not None
            }
        return self._trials[tuning_run.prefix]

    def counted(self, tuning_run: TuningRun) -> int:
        """Trials that count towards the total: excluded ones are replaced by others."""
        return sum(cell.excluded_reason is None for cell in self.trials(tuning_run).values())

    def is_finished(self, tuning_run: TuningRun) -> bool:
        """Whether all trials exist and have come to an end; excluded ones are replaced by others."""
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

    def mean_score(self, arm_name: str) -> float | None:
        """Mean score of an arm's exploratory trainings; infinite where one of them has none.

        None while one of them is missing or under way.
        """
        cells = [cell for cell in self.cells if (cell.arm_name, cell.phase) == (arm_name, Phase.SEARCH)]
        if not cells or not all(map(is_over, cells)):
            return None
        values = [self.value(cell) for cell in cells if cell.excluded_reason is None]
        scores = [value for value in values if value is not None]
        return sum(scores) / len(scores) if scores and len(scores) == len(values) else math.inf

    def value(self, cell: CellRecord) -> float | None:
        """A cell's primary score."""
        return next((value_of(score.measurements, self.metric) for score in cell.scores if score.is_primary), None)


def value_of(measurements: tuple[Measurement, ...], metric: str) -> float | None:
    """A score's mean over noise sets; None where it is missing or not finite.

    Args:
        measurements: Of one score.
        metric: Name of the measurement, such as `fid`.
    """
    means = (each.value for each in measurements if each.name == metric and each.noise_set == OVER_NOISE_SETS)
    return next((value for value in means if math.isfinite(value)), None)


def is_over(cell: CellRecord) -> bool:
    """Whether nothing more will come of a cell: all its scores are made, or none will be."""
    return cell.state not in UNFINISHED_CELLS


def is_informative(cell: CellRecord) -> bool:
    """Whether the end of a trial tells anything about its settings.

    A score, a lost rung, a divergence, or a net that does not fit the memory does. A machine that died, an error in the
    code, or a person's decision would have ended any trial.
    """
    if cell.excluded_reason is not None:
        return False
    if cell.run_state != RunState.TRAINED:
        return cell.run_state in (RunState.PRUNED, RunState.INFEASIBLE) or cell.failure == FailureClass.OOM
    primary = next((score for score in cell.scores if score.is_primary), None)
    return primary is not None and (
        primary.state == ScoreState.COMPLETE or primary.failure in (FailureClass.NAN, FailureClass.OOM)
    )
