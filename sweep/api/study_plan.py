"""The plan of a study that is given as an object or as a file."""

from __future__ import annotations

import os
from pathlib import Path

from sweep.config.study import Study, changed_study
from sweep.errors import UsageError
from sweep.planning.plan import StudyPlan, read_study_plan, study_plan


def plan_of(study: Study | str | os.PathLike[str], *, max_trials: int | None = None) -> StudyPlan:
    """The plan of a study, computed once.

    Args:
        study: The study, or the path of its file. A relative folder of images begins in the current folder.
        max_trials: Search trials in all; None for the number that the study says.

    Returns:
        Arms, cells, trainings and scores.

    Raises:
        StudyFileError: The file is wrong, at a line that the message names.
        InfeasibleConfig: An arm cannot be trained or sampled, or the design does not fit.
        UsageError: The design has no trials to limit.
    """

    def limited(whole: Study) -> Study:
        return whole if max_trials is None else _with_max_trials(whole, max_trials)

    if isinstance(study, Study):
        return study_plan(limited(study.with_data(study.baseline.data.absolute())))
    return read_study_plan(Path(study), limited)


def _with_max_trials(study: Study, max_trials: int) -> Study:
    design = study.design
    if not design.has_trials:
        raise UsageError(
            f"design {design.kind} has no trials to limit",
            why="Its arms and seeds are counted by the study file.",
            next="Leave --max-trials out.",
        )
    changed = study.model_copy(update={"design": design.model_copy(update={"trials": max_trials})})
    return changed_study(changed.model_dump()).with_sources(study.plugin_sources)
