"""The design for questions about what each part of a whole carries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from sweep.config.designs.arms import ALL, Arm, combined, named_levels
from sweep.config.designs.base import Design
from sweep.config.designs.contrasts import ArmLevels, Contrast, OwnQuestion
from sweep.config.designs.designed_study import DesignedStudy

_WITHOUT = f"{ALL} - "


class LeaveOneOut(Design):
    """The baseline, all named levels together, and all but one: what does each one carry?"""

    kind: Literal["leave_one_out"] = "leave_one_out"
    min_factors: ClassVar[int] = 2
    is_two_level: ClassVar[bool] = True
    own_question: ClassVar[OwnQuestion | None] = OwnQuestion(
        heading="What each part carries",
        family="Each arm without one change is compared with all changes together, and these comparisons are judged "
        "as one family. Where an arm is worse, the change that it lacks carries that much",
        correlation=0.5,
        is_ratio=True,
    )

    def contrasts(self, levels: ArmLevels) -> list[Contrast]:
        """Each combination without one factor minus the full one."""
        left_out = [arm for arm in levels if arm.startswith(_WITHOUT)]
        names = {arm: arm.removeprefix(_WITHOUT) for arm in left_out if ALL in levels}
        return [Contrast(f"without {name}", f"Leaving out {name}", {arm: 1, ALL: -1}) for arm, name in names.items()]

    def arms(self, study: DesignedStudy) -> Iterator[Arm]:
        """k + 1 arms for k factors: all at their named level (`all`), then each factor back at the baseline's level.

        Every arm is compared with the study's baseline, which has none of the named levels. What a factor carries is
        `all` minus `all - factor`.
        """
        named = named_levels(study)
        yield Arm(ALL, combined(named, named).changes)
        for left_out in named:
            rest = [factor for factor in named if factor != left_out]
            yield Arm(f"{_WITHOUT}{left_out}", combined(named, rest).changes)
