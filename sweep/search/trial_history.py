"""The trials of a tuning run as its search sampler is shown them."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter

from sweep.config.designs.tuning import TuningRun
from sweep.config.factors import Changes
from sweep.config.study import Study
from sweep.planning.trial_records import TrialRecords, is_informative, is_over
from sweep.search.optuna_samplers import Shown
from sweep.search.promotion import Promotion
from sweep.search.search_space import level_scores
from sweep.search.suggest import Advisor, TrialOutcome
from sweep.store.cell_records import CellRecord


class History:
    """What is worked out of each trial, for a worker to keep: of thousands, few changed since the last suggestion.

    Args:
        study: The study, as read from its file.
        tuning_run: What is searched for: its factors, arms and number of trials.
    """

    def __init__(self, study: Study, tuning_run: TuningRun) -> None:
        self.advisor = Advisor(study, tuning_run)
        self._study = study
        self._tuning_run = tuning_run
        # Number -> the cell that this was worked out of, None while it was under way.
        self._shown: dict[int, tuple[CellRecord | None, tuple[Shown, ...]]] = {}
        self._refused: dict[int, tuple[Shown, ...]] = {}

    def now(self, known: TrialRecords, promotion: Promotion, refused: Mapping[int, Changes]) -> list[Shown]:
        """All trials, in the order of their numbers: whoever ends first changes no draw.

        Args:
            known: What the store holds of the study's trials.
            promotion: Of this tuning run.
            refused: Number -> changes of the draws that made no sense.
        """
        history: list[Shown] = []
        for number, cell in known.trials(self._tuning_run).items():
            known_trial = self._shown.get(number)
            if known_trial is None or known_trial[0] is not cell:
                known_trial = self._shown[number] = self._worked_out(number, cell, known, promotion)
            history += known_trial[1]
        for number, changes in refused.items():
            if number not in self._refused:
                self._refused[number] = self.advisor.shown(number, changes, TrialOutcome(None))
            history += self._refused[number]
        history.sort(key=attrgetter("ours"))
        return history

    def _worked_out(
        self, number: int, cell: CellRecord, known: TrialRecords, promotion: Promotion
    ) -> tuple[CellRecord | None, tuple[Shown, ...]]:
        changes = known.changes[cell.arm_name]
        if not is_over(cell):
            known_trial = self._shown.get(number)
            return (
                known_trial
                if known_trial is not None and known_trial[0] is None
                else (None, self.advisor.shown(number, changes, None))
            )
        if cell.excluded_reason is not None:
            return cell, ()
        levels, rungs = level_scores(self._study, cell), promotion.scores(number)
        outcome = TrialOutcome(known.value(cell), levels, rungs, is_uninformative=not is_informative(cell))
        return cell, self.advisor.shown(number, changes, outcome)
