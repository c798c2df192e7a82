"""The design for questions about what each part of a whole carries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from sweep.config.designs.arms import ALL, Arm, combined, named_levels
from sweep.config.designs.base import Design
from sweep.config.designs.designed_study import DesignedStudy


class LeaveOneOut(Design):
    """The baseline, all named levels together, and all but one: what does each one carry?"""

    kind: Literal["leave_one_out"] = "leave_one_out"
    min_factors: ClassVar[int] = 2
    is_two_level: ClassVar[bool] = True

    def arms(self, study: DesignedStudy) -> Iterator[Arm]:
        """k + 1 arms for k factors: all at their named level (`all`), then each factor back at the baseline's level.

        Every arm is compared with the study's baseline, which has none of the named levels. What a factor carries is
        `all` minus `all - factor`.
        """
        named = named_levels(study)
        yield Arm(ALL, combined(named, named).changes)
        for left_out in named:
            rest = [factor for factor in named if factor != left_out]
            yield Arm(f"{ALL} - {left_out}", combined(named, rest).changes)
