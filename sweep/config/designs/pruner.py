"""Which trials of a search stop early."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sweep.config.values import Frozen
from sweep.limits import MAX_RUNGS, MAX_TRAININGS


class Pruner(Frozen):
    """Which trials of a search stop early, by their score at equal images seen: never by a loss, which has another
    meaning under another T, schedule or weighting.

    At each rung training waits until its averaged weights are scored under the cheap protocol (`protocol.ladder`).
    """

    kind: Literal["asha", "median"] = Field(
        description="asha: the best 1 in `reduction_factor` of those that came so far go on (Li et al. 2020). median: "
        "those at least as good as the median of the others."
    )
    rungs: tuple[Annotated[float, Field(gt=0.0, lt=1.0)], ...] = Field(
        min_length=1,
        max_length=MAX_RUNGS,
        description="Shares of the baseline's images at which trials are compared, ascending.",
    )
    reduction_factor: int = Field(3, ge=2, le=100, description="Of asha.")
    startup: int = Field(
        4, ge=1, le=MAX_TRAININGS, description="Trials with a score at a rung before any is stopped there."
    )

    @model_validator(mode="after")
    def _rungs_ascend(self) -> Pruner:
        if any(later <= earlier for earlier, later in pairwise(self.rungs)):
            raise ValueError(f"rungs {list(self.rungs)} must ascend")
        return self

    def steps(self, *, baseline_images: int, batch: int, images: int) -> dict[int, int]:
        """Where a training is compared; rungs past its end are left out.

        Args:
            baseline_images: Length of the baseline's training. Rungs are shares of it, so that all trials are compared
                after equal numbers of images.
            batch: Images a step of this training.
            images: Length of this training.

        Returns:
            Step of this training -> images seen there by the share of the file, in order.
        """
        # A run is compared after whole steps, so the first is the earliest rung, and two within one step are one.
        seen = [round(share * baseline_images) for share in self.rungs]
        steps = {max(1, at // batch): at for at in seen}
        return {step: at for step, at in steps.items() if step < images // batch}
