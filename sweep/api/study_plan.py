"""The plan of a study that is given as an object or as a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sweep.config.study import Study, changed_study
from sweep.errors import UsageError
from sweep.planning.plan import StudyPlan, located, read_study_plan, study_plan


def plan_of(
    study: Study | str | os.PathLike[str],
    *,
    max_trials: int | None = None,
    overrides: Mapping[str, object] | None = None,
) -> StudyPlan:
    """The plan of a study, computed once.

    Args:
        study: The study, or the path of its file. A relative folder of images begins in the current folder.
        max_trials: Search trials in all; None for the number that the study says.
        overrides: Dotted key -> value that replaces or adds to what the file says; None for none.

    Returns:
        Arms, cells, trainings and scores.

    Raises:
        StudyFileError: The file is wrong, at a line that the message names.
        InfeasibleConfig: An arm cannot be trained or sampled, or the design does not fit.
        UsageError: The design has no trials to limit, or values are to replace those of a study that is no file.
    """

    def limited(whole: Study) -> Study:
        return whole if max_trials is None else _with_max_trials(whole, max_trials)

    if isinstance(study, Study):
        if overrides:
            raise UsageError(
                "overrides change a study file, and a study was given",
                why="Its values were checked together when it was made.",
                next="Give the path of its file, or: sweep.load_study(path, overrides={...})",
            )
        return study_plan(limited(located(study)))
    return read_study_plan(Path(study), limited, overrides=overrides)


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
