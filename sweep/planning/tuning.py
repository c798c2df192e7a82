"""The tuning runs of a study, and how many trials a search sampler models of each."""

from __future__ import annotations

from sweep.config.designs.tuning import TuningRun
from sweep.config.study import Study
from sweep.planning.arms import arms_of

# Search sampler -> the most finished trials that it models. A draw then takes about a second (sweep/docs/scaling.md).
MAX_MODELLED = {"gp": 500}


def exceeds(search_sampler: str, trials: int) -> bool:
    """Whether a sampler models only some of so many finished trials.

    Args:
        search_sampler: Name of the sampler.
        trials: Number of finished trials.
    """
    return trials > MAX_MODELLED.get(search_sampler, trials)


def tuning_runs_of(study: Study) -> list[TuningRun]:
    """What Optuna chooses in a study: nothing, everything, or the nuisance factors of each arm.

    Raises:
        InfeasibleConfig: As `arms_of`.
    """
    return study.design.tuning_runs(study, arms_of(study))
