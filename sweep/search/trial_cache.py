"""What a worker keeps from one suggestion to the next: reading thousands of trials each time would take seconds."""

from __future__ import annotations

from sweep.config.designs.tuning import TuningRun
from sweep.config.study import Study
from sweep.search.trial_history import History
from sweep.store.queries.trials import StudySnapshot, study_snapshot
from sweep.store.sql.transaction import Store


class TrialCache:
    """One process's memory of one study. Nothing in it is needed: what is forgotten is read again."""

    def __init__(self) -> None:
        self._study: Study | None = None
        self._snapshot: StudySnapshot | None = None
        self._histories: dict[str, History] = {}

    def refresh(self, store: Store, study: Study, study_id: int) -> StudySnapshot:
        """The study now. Hold the lease of the search, as for a suggestion.

        Args:
            store: Open store of studies, runs and scores.
            study: The study, as read from its file.
            study_id: Number of the study in the store.
        """
        if study != self._study:  # it was extended, or its space changed
            self._study, self._snapshot, self._histories = study, None, {}
        self._snapshot = study_snapshot(store, study_id, self._snapshot, ladder=len(study.protocol.ladder))
        return self._snapshot

    def history(self, study: Study, tuning_run: TuningRun) -> History:
        """What is known of a tuning run's trials.

        Args:
            study: The study, as read from its file.
            tuning_run: What is searched for: its factors, arms and number of trials.
        """
        if tuning_run.prefix not in self._histories:
            self._histories[tuning_run.prefix] = History(study, tuning_run)
        return self._histories[tuning_run.prefix]
