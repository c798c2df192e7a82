"""How far a launch is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sweep.worker.messages import READING_IMAGES

__all__ = ["NOTHING_YET", "READING_IMAGES", "LaunchProgress", "OnProgress"]


@dataclass(frozen=True)
class LaunchProgress:
    """The state of one part of a launch.

    Attributes:
        part: Name of the part, such as `training the classifier`, `training steps` or `scores`.
        done: Units that are done.
        total: Units in all, as far as they are known.
        unit: Name of a unit in the plural, such as `images`.
        is_preparation: Whether the part belongs to the preparation of data, extractor and reference, before workers
            start.
    """

    part: str
    done: int
    total: int
    unit: str
    is_preparation: bool

    def __str__(self) -> str:
        return f"{self.part}: {self.done:,} of {self.total:,} {self.unit}" if self.total else self.part

    __repr__ = __str__


OnProgress = Callable[[LaunchProgress], None]

NOTHING_YET = LaunchProgress("preparing", 0, 0, "", is_preparation=True)
"""What is reported while the preparation has not begun to count."""


def ignore_progress(progress: LaunchProgress) -> None:
    """Do nothing with progress.

    Args:
        progress: State of a part.
    """
