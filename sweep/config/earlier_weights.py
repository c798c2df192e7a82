"""Weights as they were earlier in a training: which of them a run keeps, and which of them a score reads."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from sweep.config.conditioning import GuidanceSettings
from sweep.config.part_names import EmaStart
from sweep.config.values import Decay, shortest
from sweep.limits import MAX_SHARES

Share = Annotated[float, Field(gt=0.0, le=1.0)]
EarlierWeights = tuple[Share, EmaStart, Decay]
"""Share of the training, and how the average starts whose weights are kept as they were then, with its decay."""
EarlierWeightsField = Annotated[
    tuple[EarlierWeights, ...],
    Field(
        exclude_if=lambda averages: not averages,
        description="Averages kept as they were after a share of the training.",
    ),
]


def _no_share_twice(shares: tuple[float, ...]) -> tuple[float, ...]:
    if len(set(shares)) < len(shares):
        raise ValueError(f"[{', '.join(map(shortest, shares))}] names a share of the training twice")
    return tuple(sorted(shares))


Shares = Annotated[tuple[Share, ...], Field(max_length=MAX_SHARES), AfterValidator(_no_share_twice)]
"""Shares of a training, ascending and each once; 1 is its end."""


def step_at(share: float, steps: int) -> int:
    """The optimizer step after which a share of a training is done; 0 where that is before its first.

    Args:
        share: Share of the training, in (0, 1].
        steps: Optimizer steps of the whole training.

    Example:
        >>> step_at(0.29, 100)
        29
    """
    return round(share * steps)


class CheckpointSettings(GuidanceSettings):
    """What is read off a training that has ended: how its samples are guided, and how far it had come."""

    training_share: Share = Field(
        1.0,
        exclude_if=lambda share: share == 1.0,
        description="Share of the training after which the weights are read; 1: at its end.",
    )

    def weaker_step(self, steps: int) -> int:
        """The optimizer step that the weaker net of autoguidance is not later than.

        Args:
            steps: Optimizer steps of the whole training.
        """
        return int(self.guidance_at * step_at(self.training_share, steps))
