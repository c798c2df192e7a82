"""What the replicates of a study are called: seeds of trainings, or items that are given."""

from __future__ import annotations

from dataclasses import dataclass

from sweep.quantities import quantity
from sweep.reporting.frames.frames import StudyFrames

IMAGES_ALONE = "intervals are for these items alone: they cover the images that were drawn, and no other item"
"""What an interval without a second item leaves out."""


@dataclass(frozen=True)
class ReplicateWords:
    """How sentences name replicates.

    Attributes:
        is_given: Nothing was trained: replicates are items.
        is_paired: Replicate r of an arm belongs to replicate r of the baseline.
    """

    is_given: bool
    is_paired: bool

    @property
    def unit(self) -> str:
        """One replicate."""
        return "item" if self.is_given else "seed"

    @property
    def finished(self) -> str:
        """What two arms need for a difference."""
        return "a finished seed" if not self.is_given else "scored items"

    @property
    def spread(self) -> str:
        """What means and standard deviations are over."""
        return "items" if self.is_given else "training seeds"

    @property
    def many(self) -> str:
        """The replicates of a difference, in the plural."""
        if not self.is_given:
            return "paired seeds"
        return "paired items" if self.is_paired else "items"

    def count(self, number: int) -> str:
        """`3 paired seeds`, or `3 items of each`.

        Args:
            number: Replicates of a difference.
        """
        if not self.is_given:
            return quantity(number, "paired seed")
        return quantity(number, "paired item") if self.is_paired else f"{quantity(number, 'item')} of each"

    @property
    def dot(self) -> str:
        """What a dot of the figure of differences is, as a sentence."""
        if not self.is_given:
            return (
                "Each grey dot is one training seed: the score of the arm minus that of the baseline with the same "
                "seed."
            )
        if self.is_paired:
            return "Each grey dot is one pair of items: the score of the arm's minus that of the baseline's."
        return "Each grey dot is one item: its score minus the mean of the baseline's."


def replicate_words(frames: StudyFrames) -> ReplicateWords:
    """How the replicates of a study are called.

    Args:
        frames: The tables of the study.
    """
    design = frames.study_ref.design
    return ReplicateWords(not design.trains, design.has_paired_replicates)
