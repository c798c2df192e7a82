"""What a study file asks of the tuning of nuisance factors."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sweep.config.values import Frozen
from sweep.limits import MAX_TRAININGS

SearchSampler = Literal["tpe", "random", "qmc", "gp"]


class Tune(Frozen):
    """Nuisance factors, tuned for every arm with the same number of trainings, the baseline included."""

    trials: int = Field(
        8,
        ge=2,
        le=MAX_TRAININGS,
        description="Exploratory trainings of each arm, exactly; the first at the baseline's values.",
    )
    search_sampler: SearchSampler = Field(
        "qmc", description="Optuna's sampler. qmc and random try the same points in every arm."
    )
