"""What came of trying to add the next cells of a study."""

from __future__ import annotations

from enum import StrEnum


class SchedulingResult(StrEnum):
    """What came of trying to add the next cells of a study that grows."""

    ADDED = "added"
    NOTHING_DUE = "nothing due"
    UNKNOWN = "unknown"
    """Another worker has the advisor's lease, or took it meanwhile: more may be due, so nobody may leave."""
