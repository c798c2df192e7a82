"""The design for questions about the order in which changes help."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import Field

from sweep.config.designs.arms import BASELINE, Arm, combined, named_levels
from sweep.config.designs.base import RETRAINED, Design
from sweep.config.designs.contrasts import ArmLevels, Contrast, OwnQuestion
from sweep.config.designs.designed_study import DesignedStudy
from sweep.config.designs.tuning import CellRequest, TrialResults, TuningRun
from sweep.quantities import quantity


class Path(Design):
    """From the baseline to all named levels, one factor a step, the best next step first; every step is retrained."""

    kind: Literal["path"] = "path"
    round_seeds: int = Field(
        1, ge=1, le=100, description="Trainings of each candidate of a step, on seeds that the verdict never uses."
    )
    min_factors: ClassVar[int] = 2
    is_two_level: ClassVar[bool] = True
    why_no_tune: ClassVar[str] = "tune first, then set the baseline"
    own_question: ClassVar[OwnQuestion | None] = OwnQuestion(
        heading="Each step of the path",
        family="Each step is compared with the one before, and these comparisons are judged as one family",
        correlation=0.0,
        is_ratio=True,
    )

    def contrasts(self, levels: ArmLevels) -> list[Contrast]:
        """Each step minus the one before, as far as steps follow each other without a gap."""
        changed = {arm: {f for f, level in each.items() if level != BASELINE} for arm, each in levels.items()}
        steps = sorted(changed, key=lambda arm: len(changed[arm]))
        contrasts = []
        for number, (before, step) in enumerate(pairwise(steps), start=1):
            added = changed[step] - changed[before]
            if len(added) == 1 and changed[before] < changed[step]:
                name = f"{number}: {next(iter(added))}={levels[step][next(iter(added))]}"
                contrasts.append(Contrast(name, f"Step {name}", {step: 1, before: -1}))
        return contrasts

    def arms(self, study: DesignedStudy) -> Iterator[Arm]:
        """The end of the path; the steps between are decided as results come in (see `next_cells`)."""
        named = named_levels(study)
        yield combined(named, named)

    def grows(self, study: DesignedStudy) -> bool:
        """Always: each step depends on the results of the one before."""
        del study
        return True

    def later_trainings(self, study: DesignedStudy, arms: int) -> int:
        """Rounds of k, k - 1, ... 2 candidates; then the steps between the baseline and the end."""
        del arms
        factors = len(study.factors_of("scientific"))
        return (factors * (factors + 1) // 2 - 1) * self.round_seeds + (factors - 1) * study.seeds

    def compared_arms(self, study: DesignedStudy, arms: int) -> int:
        """One a step."""
        del arms
        return len(study.factors_of("scientific"))

    def exploratory_replicates(self) -> int:
        """Of each candidate of a step."""
        return self.round_seeds

    def next_cells(
        self, study: DesignedStudy, tuning_runs: Sequence[TuningRun], trials: TrialResults
    ) -> list[CellRequest]:
        """Greedy forward from the baseline (Fawcett & Hoos 2016), every candidate really trained.

        In each round every remaining factor is switched alone on top of those already taken, on exploratory seeds; the
        best is taken and retrained on fresh seeds. The last factor needs no round. Candidates without a score come
        last, equal ones in the order of the file.
        """
        del tuning_runs
        named = named_levels(study)
        requests: list[CellRequest] = []
        taken: list[str] = []
        while len(taken) < len(named):
            candidates = {factor: combined(named, [*taken, factor]) for factor in named if factor not in taken}
            scores = dict.fromkeys(candidates, 0.0)
            if len(candidates) > 1:
                requests += [CellRequest(arm, is_exploratory=True) for arm in candidates.values()]
                for factor, arm in candidates.items():
                    score = trials.mean_score(arm.name)
                    if score is None:
                        return requests
                    scores[factor] = score
            best = min(candidates, key=lambda factor: scores[factor])
            taken.append(best)
            requests.append(_step(len(taken), best, candidates[best], scores))
        return requests

    def plan_text(self, study: DesignedStudy) -> str:
        """That the steps are chosen by exploratory trainings."""
        del study
        return (
            "path: the factor that helps most is taken next, each candidate trained on "
            f"{quantity(self.round_seeds, 'exploratory seed')}; every step is then retrained"
        )

    def methods_text(self, runs: int, cite: Callable[[str], str]) -> str:
        """How the order of the steps was chosen."""
        del cite
        return (
            f"The order of the path was chosen by {quantity(runs, 'exploratory run')}: at each step the factor "
            f"that helped most was taken. Every step was then {RETRAINED}."
        )


def _step(number: int, factor: str, arm: Arm, scores: Mapping[str, float]) -> CellRequest:
    finite = {name: score if math.isfinite(score) else None for name, score in scores.items()}
    detail = {"step": number, "factor": factor, "arm": arm.name, "values": finite}
    return CellRequest(arm, False, "path_step", f"step {number} of the path takes {factor}", detail)
