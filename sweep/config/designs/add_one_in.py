"""The design for questions about whether gains add up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from sweep.config.designs.arms import ALL, BASELINE, Arm, combined, named_levels
from sweep.config.designs.base import Design
from sweep.config.designs.contrasts import ArmLevels, Contrast, OwnQuestion
from sweep.config.designs.designed_study import DesignedStudy


class AddOneIn(Design):
    """The baseline, each named level alone, and all together: do the single gains add up?"""

    kind: Literal["add_one_in"] = "add_one_in"
    min_factors: ClassVar[int] = 2
    is_two_level: ClassVar[bool] = True
    own_question: ClassVar[OwnQuestion | None] = OwnQuestion(
        heading="Do the gains add up?",
        family="The change by all levels together, minus the sum of the changes by each level alone, in units of the "
        "score. It is one comparison, judged apart from those with the baseline",
        correlation=0.5,
        is_ratio=False,
        conclusions={
            "better": "The changes gain more together than the sum of what each gains alone.",
            "worse": "The gains do not add up: the changes gain less together than the sum of what each gains alone.",
            "no difference": "The gains add up.",
            "undecided": "Whether the gains add up is undecided.",
        },
    )

    def contrasts(self, levels: ArmLevels) -> list[Contrast]:
        """All together minus the baseline, less the same difference of each single level."""
        single = [arm for arm, each in levels.items() if sum(level != BASELINE for level in each.values()) == 1]
        if ALL not in levels or BASELINE not in levels or len(single) < len(levels[ALL]):
            return []
        weights = {ALL: 1.0, BASELINE: len(single) - 1.0} | dict.fromkeys(single, -1.0)
        return [
            Contrast("all beyond the sum", "All changes together, compared with the sum of the single ones,", weights)
        ]

    def arms(self, study: DesignedStudy) -> Iterator[Arm]:
        """k + 1 arms for k factors: each at its named level alone, then `all` of them together.

        The gain of `all` beside the sum of the single gains tells whether they add up.
        """
        named = named_levels(study)
        for factor in named:
            yield combined(named, [factor])
        yield Arm(ALL, combined(named, named).changes)
