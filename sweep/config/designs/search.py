"""The design for spaces that are too large to try every arm of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from sweep.config.designs.arms import BASELINE, Arm
from sweep.config.designs.base import RETRAINED, Design, trials_of_optuna
from sweep.config.designs.designed_study import DesignedStudy
from sweep.config.designs.pruner import Pruner
from sweep.config.designs.tune import SearchSampler
from sweep.config.designs.tuning import CellRequest, TrialResults, TuningRun
from sweep.config.problems import misfit
from sweep.limits import MAX_ARMS, MAX_TRAININGS
from sweep.quantities import quantity


class Search(Design):
    """Optuna over all scientific and nuisance factors; then the best against the baseline on fresh seeds."""

    kind: Literal["search"] = "search"
    trials: int = Field(
        30, ge=1, le=MAX_TRAININGS, description="Trainings in the search, exactly, over all workers and relaunches."
    )
    search_sampler: SearchSampler = Field("tpe", description="Optuna's sampler.")
    confirm: int = Field(
        1, ge=0, lt=MAX_ARMS, description="How many of the best are retrained on fresh seeds beside the baseline."
    )
    pruner: Pruner | None = Field(None, description="Without one, every trial is trained to its end.")

    arms_are_trials: ClassVar[bool] = True
    why_no_tune: ClassVar[str] = "a search tunes by itself"

    def check(self, study: DesignedStudy) -> None:
        """Refuse a study without anything to search over, too."""
        if not study.factors_of("scientific", "nuisance"):
            raise misfit(("design",), "a search needs at least one scientific or nuisance factor")
        super().check(study)

    def arms(self, study: DesignedStudy) -> Iterator[Arm]:
        """None beforehand: Optuna suggests them one by one."""
        del study
        yield from ()

    def cells_are_known(self, study: DesignedStudy) -> bool:
        """Nothing is confirmed before the search is over."""
        del study
        return False

    def grows(self, study: DesignedStudy) -> bool:
        """Always: trials follow from the results of earlier ones."""
        del study
        return True

    def later_trainings(self, study: DesignedStudy, arms: int) -> int:
        """The trials, and the best on fresh seeds; without any of these, the baseline is not trained either."""
        del arms
        return self.trials + (self.confirm or -1) * study.seeds

    def compared_arms(self, study: DesignedStudy, arms: int) -> int:
        """The best trials that are confirmed."""
        del study, arms
        return self.confirm

    def tuning_runs(self, study: DesignedStudy, arms: Sequence[Arm]) -> list[TuningRun]:
        """One, of all factors around the baseline."""
        del arms
        factors = study.factors_of("scientific", "nuisance")
        return [TuningRun(Arm(BASELINE, {}), factors, self.trials, self.search_sampler, "trial-")]

    def next_cells(
        self, study: DesignedStudy, tuning_runs: Sequence[TuningRun], trials: TrialResults
    ) -> list[CellRequest]:
        """The best different trials and the baseline on fresh seeds, once all trials are over."""
        (tuning_run,) = tuning_runs
        if not trials.is_finished(tuning_run):
            return []
        best: dict[str, Arm] = {}
        for name, changes in trials.ranked(tuning_run):
            if len(best) == self.confirm:
                break
            setting = study.setting(changes)
            if setting != study.baseline:
                best.setdefault(setting.model_dump_json(), Arm(name, changes))
        requests = [_confirmed(arm, rank, tuning_run) for rank, arm in enumerate(best.values(), start=1)]
        return [*requests, CellRequest(Arm(BASELINE, {}))] if best else []

    def pruned_by(self) -> Pruner | None:
        """The pruner of the study file."""
        return self.pruner

    def plan_text(self, study: DesignedStudy) -> str:
        """What is searched, what is pruned, and by which scores."""
        factors = ", ".join(study.factors_of("scientific", "nuisance"))
        ladder = ", ".join(f"{step.noise_sets} x {step.n:,}" for step in study.protocol.ladder)
        cheap = f"; cheaper scores of {ladder} images" if ladder else ""
        return (
            f"search over {factors}: {quantity(self.trials, 'trial')}, then the best against the baseline on fresh "
            f"seeds{self._pruning_text(study)}{cheap}"
        )

    def _pruning_text(self, study: DesignedStudy) -> str:
        if self.pruner is None:
            return ""
        images, batch = study.baseline.images, study.baseline.batch
        at = ", ".join(
            f"{step * batch:,}" for step in self.pruner.steps(baseline_images=images, batch=batch, images=images)
        )
        if not at:
            return f"; {self.pruner.kind} stops no trial: a training is too short for a rung"
        return f"; {self.pruner.kind} stops trials at {at} images seen"

    def methods_text(self, runs: int, cite: Callable[[str], str]) -> str:
        """That the arms were found by a search."""
        return f"Arms were chosen by a search of {trials_of_optuna(runs, cite)} and {RETRAINED}."


def _confirmed(arm: Arm, rank: int, tuning_run: TuningRun) -> CellRequest:
    message = f"{arm.name} is retrained on fresh seeds: place {rank} of the search"
    detail = {"arm": arm.name, "place": rank, "boundary": tuning_run.at_boundaries(arm.changes)}
    return CellRequest(arm, False, "confirmed", message, detail)
