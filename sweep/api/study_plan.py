"""The plan of a study that is given as an object or as a file."""

from __future__ import annotations

import os
from pathlib import Path

from sweep.config.study import Study, changed_study
from sweep.design.plan import StudyPlan, read_study_plan, study_plan
from sweep.errors import UsageError


def plan_of(study: Study | str | os.PathLike[str]) -> StudyPlan:
    """The plan of a study.

    Args:
        study: The study, or the path of its file. A relative folder of images begins in the current folder.

    Returns:
        Arms, cells, trainings and scores.

    Raises:
        StudyFileError: The file is wrong, at a line that the message names.
        InfeasibleConfig: An arm cannot be trained or sampled, or the design does not fit.
    """
    if isinstance(study, Study):
        return study_plan(study.with_data(study.baseline.data.absolute()))
    return read_study_plan(Path(study))


def with_max_trials(plan: StudyPlan, max_trials: int | None) -> StudyPlan:
    """The plan with another total number of search trials.

    Args:
        plan: The plan.
        max_trials: Trials in all; None to leave the plan as it is.

    Returns:
        The plan of the changed study.

    Raises:
        UsageError: The design has no trials.
    """
    if max_trials is None:
        return plan
    design = plan.study.design
    if not hasattr(design, "trials"):
        raise UsageError(
            f"design {design.kind} has no trials to limit",
            why="Its arms and seeds are counted by the study file.",
            next="Leave --max-trials out.",
        )
    limited = plan.study.model_copy(update={"design": design.model_copy(update={"trials": max_trials})})
    return study_plan(changed_study(limited.model_dump()))
