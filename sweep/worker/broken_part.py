"""The verdict that a part does not keep its contract, with the guarantee that it would break."""

from __future__ import annotations

from enum import StrEnum


class Guarantee(StrEnum):
    """What the harness promises of every run, and a part must not break."""

    RUNS = "a run that was planned can be trained and scored"
    REPEATABLE = "equal settings and seeds give equal numbers, so that arms are paired and a run can be repeated"
    RESUMABLE = "a run that was killed is resumed from its checkpoint to the same bits"


class Broken(Exception):
    """A part does not do what its kind promises.

    Args:
        problem: What it does instead.
        guarantee: What that would break.
    """

    def __init__(self, problem: str, guarantee: Guarantee = Guarantee.RUNS) -> None:
        super().__init__(problem)
        self.guarantee = guarantee

    @property
    def explanation(self) -> str:
        """The problem, and the guarantee that it would break."""
        return f"{self}. That would break: {self.guarantee}."
