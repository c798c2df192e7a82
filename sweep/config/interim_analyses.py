"""When the results of a study are read before its last seed."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from pydantic import Field

from sweep.config.factors import misfit
from sweep.config.values import Frozen
from sweep.limits import MAX_INTERIM_ANALYSES

MIN_SEEDS = 3
"""With two seeds a t interval stands on one degree of freedom; it is drawn, but decides nothing."""


class InterimAnalyses(Frozen):
    """When the results of a study are read before its last seed. Otherwise they are read once, at the end."""

    at: tuple[int, ...] = Field(
        min_length=2,
        max_length=MAX_INTERIM_ANALYSES,
        description="Numbers of seeds after which results are read: rising, from 3; the last is `seeds`. Verdicts "
        "change at these numbers alone.",
    )
    shape: Literal["pocock", "obrien_fleming"] = Field(
        "obrien_fleming",
        description="How alpha is spent. pocock: the same p at each analysis. obrien_fleming: a small p at first, "
        "nearly 0.05 at the last.",
    )


def check_interim_analyses(interim: InterimAnalyses, seeds: int) -> None:
    """Refuse interim analyses that do not rise to the number of seeds.

    Args:
        interim: As declared in the study file.
        seeds: Replicates of every arm.

    Raises:
        PydanticCustomError: Of type `misfit`, with the location in the file.
    """
    at = ("interim_analyses", "at")
    if interim.at[0] < MIN_SEEDS or any(later <= earlier for earlier, later in pairwise(interim.at)):
        raise misfit(at, f"interim analyses are at rising numbers of seeds, from {MIN_SEEDS}")
    if interim.at[-1] != seeds:
        raise misfit(at, f"the last interim analysis is at the last seed, {seeds}; found {interim.at[-1]}")
