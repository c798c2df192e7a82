"""How a study compares its arms each at its own best evaluation level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from sweep.config.factors import Factor
from sweep.config.problems import misfit
from sweep.config.protocol_request import ProtocolRequest
from sweep.config.values import Name, NoTruthForNumbers
from sweep.limits import MAX_FACTORS


class TunedEvaluation(NoTruthForNumbers):
    """Which evaluation factors each arm may choose its own level of, and how."""

    tune: tuple[Name, ...] = Field(
        min_length=1, max_length=MAX_FACTORS, description="Evaluation factors of the study, e.g. [guidance_scale]."
    )
    select: Literal["cross_fit"] = Field(
        "cross_fit", description="Choose on one half of the noise sets and score on the other, both ways round."
    )


def check_tuned_evaluation(
    evaluation: TunedEvaluation, factors: Mapping[str, Factor], protocol: ProtocolRequest
) -> None:
    """Refuse what cannot be chosen.

    Args:
        evaluation: What the study file asks for.
        factors: Factors of the study.
        protocol: Its protocol.

    Raises:
        PydanticCustomError: of type `misfit`, with the place in the file.
    """
    at = ("evaluation", "tune")
    known = [name for name, factor in factors.items() if factor.role == "evaluation"]
    for name in evaluation.tune:
        if name not in known:
            allowed = f"allowed: {', '.join(known)}" if known else "this study has none"
            raise misfit(at, f"`{name}` is no evaluation factor of this study; {allowed}")
    if protocol.noise_sets < 2:
        raise misfit(
            at,
            "levels are chosen on one half of the noise sets and scored on the other, so two are the fewest: "
            "set protocol.noise_sets: 4",
        )
