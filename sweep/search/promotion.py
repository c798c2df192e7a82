"""Moving a search's trials from rung to rung: plan what must be scored there, then promote or prune each."""

from __future__ import annotations

from sweep.config.designs.tuning import TuningRun
from sweep.config.factors import Changes
from sweep.config.keys import protocol_key
from sweep.config.run import EvalConfig, Protocol
from sweep.config.study import Study
from sweep.planning.rungs import Rung, is_promoted, ladder_of, score_at, threshold, trial_rungs
from sweep.planning.trial_records import TrialRecords
from sweep.quantities import quantity
from sweep.store.cell_records import CellRecord
from sweep.store.sql.transaction import Store
from sweep.store.states import UNFINISHED_SCORES, RunState
from sweep.store.studies.rungs import add_rung_score, promote, prune

ONLY_THE_DISTANCE = {"bits_per_dim": None, "fid_test": False, "neighbours": 0, "partial_noising": ()}


class Promotion:
    """The trials of one search at one moment. Use under the advisor's lease: decisions then come one after another.

    A decision depends on the scores in our tables alone and changes nothing but the waiting run, so a worker that is
    killed anywhere in between leaves it to be made again, with the same outcome.

    Args:
        store: Open store of studies, runs and scores.
        study: The study, as read from its file.
        study_id: Number of the study in the store.
        protocol: Extractor, reference, number of images and noise sets of the study's scores.
        known: What the store holds of the study's trials.
        tuning_run: What is searched for: its factors, arms and number of trials.
    """

    def __init__(
        self, store: Store, study: Study, study_id: int, protocol: Protocol, known: TrialRecords, tuning_run: TuningRun
    ) -> None:
        self._store = store
        self._study = study
        self._study_id = study_id
        self._protocol = protocol
        self._known = known
        self._trials = known.trials(tuning_run)

    @property
    def has_rungs(self) -> bool:
        """Whether anything is scored by a cheaper protocol or on the way."""
        return bool(self._study.protocol.ladder) or self._study.design.pruned_by() is not None

    def scores(self, number: int) -> dict[int, float]:
        """Images seen -> score of a trial there."""
        if not self.has_rungs:
            return {}
        cell = self._trials[number]
        scores_by_images = {rung.images: self._score(cell, rung) for rung in self._rungs(cell)}
        return {images: value for images, value in scores_by_images.items() if value is not None}

    def advance(self) -> bool:
        """Do what is due; whether anything changed, so that it is worth another try."""
        if not self.has_rungs:
            return False
        changed = [self._step(number, cell) for number, cell in sorted(self._trials.items())]
        return any(changed)

    def _step(self, number: int, cell: CellRecord) -> bool:
        if cell.excluded_reason is not None:
            return False
        if cell.paused_at is not None:
            return self._decide(number, cell, cell.paused_at)
        if cell.run_state != RunState.TRAINED:
            return False
        planned = [self._plan_score(cell, cell.steps, protocol) for protocol in ladder_of(self._study, self._protocol)]
        return any(planned)

    def _decide(self, number: int, cell: CellRecord, step: int) -> bool:
        rungs = self._rungs(cell)
        rung = next((rung for rung in rungs if rung.step == step), None)
        if rung is not None and self._plan_score(cell, step, rung.protocol):
            return True
        if rung is not None and self._is_open(cell, rung):
            return False
        value = None if rung is None else self._score(cell, rung)
        if rung is not None and value is not None and self._ends(number, cell, rung, value):
            return True
        # Without a score (its scoring failed) there is no evidence against it.
        later = [each.step for each in rungs if each.step > step]
        promote(self._store, cell, step=step, until=later[0] if later else None)
        return True

    def _ends(self, number: int, cell: CellRecord, rung: Rung, value: float) -> bool:
        pruner = self._study.design.pruned_by()
        assert pruner is not None
        # Not the trial's own run under another number: two equal draws are one training.
        others = [
            score
            for other, each in self._trials.items()
            if other != number and each.run_id != cell.run_id and each.excluded_reason is None
            for score in self.scores(other).items()
            if score[0] == rung.images
        ]
        values = [score for _, score in others]
        if is_promoted(pruner, value, values):
            return False
        needed = threshold(pruner, value, values)
        reason = (
            f"{self._study.metric} {value:.4g} under {rung.protocol.label} after {self._seen(cell, rung):,} of "
            f"{self._images(cell):,} images; {needed:.4g} or less is promoted ({pruner.kind}, "
            f"{quantity(len(values), 'other trial')})"
        )
        detail = {
            "trial": number,
            "images": rung.images,
            "step": rung.step,
            "value": value,
            "needed": needed,
            "others": sorted(values),
            "n": rung.protocol.n,
            "pruner": pruner.model_dump(mode="json"),
        }
        return prune(self._store, self._study_id, cell, step=rung.step, reason=reason, detail=detail)

    def _plan_score(self, cell: CellRecord, step: int, protocol: Protocol) -> bool:
        """Plan a score unless it is there."""
        if any((rung.step, rung.protocol_key) == (step, protocol_key(protocol)) for rung in cell.rungs):
            return False
        add_rung_score(self._store, cell, self._evaluation(cell), protocol, step=step)
        return True

    def _is_open(self, cell: CellRecord, rung: Rung) -> bool:
        key = protocol_key(rung.protocol)
        return any((r.step, r.protocol_key) == (rung.step, key) and r.state in UNFINISHED_SCORES for r in cell.rungs)

    def _score(self, cell: CellRecord, rung: Rung) -> float | None:
        return score_at(cell, rung.step, rung.protocol, self._study.metric)

    def _rungs(self, cell: CellRecord) -> list[Rung]:
        setting = self._study.setting(self._changes(cell))
        return trial_rungs(self._study, self._protocol, batch=setting.batch, images=setting.images)

    def _seen(self, cell: CellRecord, rung: Rung) -> int:
        return rung.step * self._study.setting(self._changes(cell)).batch

    def _images(self, cell: CellRecord) -> int:
        return self._study.setting(self._changes(cell)).images

    def _evaluation(self, cell: CellRecord) -> EvalConfig:
        # The distance alone: whatever else a study measures costs more than a rung is worth.
        config = self._study.setting(self._changes(cell)).eval_config()
        return config.model_copy(update=ONLY_THE_DISTANCE)

    def _changes(self, cell: CellRecord) -> Changes:
        return self._known.changes[cell.arm_name]
