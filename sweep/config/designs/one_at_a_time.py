"""The design for questions about single levels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from sweep.config.designs.arms import Arm
from sweep.config.designs.base import Design
from sweep.config.designs.designed_study import DesignedStudy


class OneAtATime(Design):
    """The baseline, and each other level of each scientific factor alone."""

    kind: Literal["one_at_a_time"] = "one_at_a_time"
    combines_levels: ClassVar[bool] = False

    def arms(self, study: DesignedStudy) -> Iterator[Arm]:
        """Each level of each scientific factor alone: the sum of the level counts."""
        for factor in study.factors_of("scientific"):
            for level, changes in study.levels_of(factor).items():
                yield Arm(f"{factor}={level}", changes)
