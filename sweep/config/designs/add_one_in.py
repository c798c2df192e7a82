"""The design for questions about whether gains add up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from sweep.config.designs.arms import ALL, Arm, combined, named_levels
from sweep.config.designs.base import Design
from sweep.config.designs.designed_study import DesignedStudy


class AddOneIn(Design):
    """The baseline, each named level alone, and all together: do the single gains add up?"""

    kind: Literal["add_one_in"] = "add_one_in"
    min_factors: ClassVar[int] = 2
    is_two_level: ClassVar[bool] = True

    def arms(self, study: DesignedStudy) -> Iterator[Arm]:
        """k + 1 arms for k factors: each at its named level alone, then `all` of them together.

        The gain of `all` beside the sum of the single gains tells whether they add up.
        """
        named = named_levels(study)
        for factor in named:
            yield combined(named, [factor])
        yield Arm(ALL, combined(named, named).changes)
