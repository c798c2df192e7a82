"""When the results of a study are read before its last seed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal

from pydantic import Field, ValidationError

from sweep.config.problems import misfit, problem_of
from sweep.config.values import Frozen
from sweep.limits import MAX_INTERIM_ANALYSES, MAX_SEEDS

MIN_SEEDS = 3
"""With two seeds a t interval stands on one degree of freedom; it is drawn, but decides nothing."""

PLANNED_ANALYSES = 4
"""Of a range of seeds, at equal distances."""


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
    stop_decided: bool = Field(
        False,
        description="Arms that an analysis decides, or that no later one would decide, get no more seeds; workers add "
        "the next seeds of the others.",
    )


class PlannedSeeds(Frozen):
    """Seeds between a least and a most number, as many as each arm needs: written in place of `seeds`."""

    min: int = Field(ge=MIN_SEEDS, description="Seeds of every arm at the first analysis.")
    max: int = Field(le=MAX_SEEDS, description="Seeds of an arm that nothing decides earlier.")
    target: Literal["smallest_effect"] = "smallest_effect"


def with_planned_seeds(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A study file whose `seeds` is a mapping, with the interim analyses that it stands for.

    Args:
        fields: The values of the file.

    Returns:
        The same with a number of seeds; other files as they are.

    Raises:
        PydanticCustomError: Of type `misfit`, with the location in the file.
    """
    written = fields.get("seeds")
    if not isinstance(written, Mapping):
        return dict(fields)
    if fields.get("interim_analyses") is not None:
        raise misfit(("seeds",), "a range of seeds plans its interim analyses itself: leave out `interim_analyses`")
    if fields.get("smallest_effect") is None:
        raise misfit(("seeds",), "a range of seeds aims at the smallest effect that matters: state `smallest_effect`")
    try:
        planned = PlannedSeeds.model_validate(written)
    except ValidationError as error:
        raise misfit(("seeds",), problem_of(error.errors()[0])) from None
    if planned.max <= planned.min:
        raise misfit(("seeds",), f"`max` must be above `min`; found {planned.max} and {planned.min}")
    parts = min(PLANNED_ANALYSES - 1, planned.max - planned.min)
    at = sorted({planned.min + round(k * (planned.max - planned.min) / parts) for k in range(parts + 1)})
    return {**fields, "seeds": planned.max, "interim_analyses": {"at": at, "stop_decided": True}}


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
