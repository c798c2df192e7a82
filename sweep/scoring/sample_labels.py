"""Which class each sample of a conditional net is drawn from: a function of its noise and of the reference's shares."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sweep.data.dataset import Dataset
from sweep.data.splits import Split
from sweep.diffusion.noise import sample_uniform

LABEL_DRAW = 0xFFFFFFFF
"""The draw of a sample's random stream that its class is made of; sampling steps have smaller numbers."""


@dataclass(frozen=True, eq=False)
class SampleLabels:
    """Classes of samples.

    Attributes:
        edges: Share of the classes up to each, float64 [classes], the last 1.
        only: The class of every sample; None for classes with the shares.
    """

    edges: Tensor
    only: int | None = None

    @property
    def classes(self) -> int:
        """How many classes there are; as a label, this number stands for no class."""
        return len(self.edges)

    def of(self, noise_set: int, index: Tensor) -> Tensor:
        """Classes of samples, int64 [B] on the device of `index`.

        Args:
            noise_set: Number of the noise set's random stream.
            index: Number of each sample, int64 [B].
        """
        if self.only is not None:
            return torch.full_like(index, self.only)
        u = sample_uniform(noise_set, index, LABEL_DRAW, (1,), index.device)[:, 0].double()
        return torch.searchsorted(self.edges.to(index.device), u, right=True).clamp(max=self.classes - 1)


def sample_labels(dataset: Dataset, split: Split, *, only: int | None = None) -> SampleLabels:
    """Classes with the shares that they have in a split.

    Args:
        dataset: The images of the study.
        split: The split; that of the reference, so that samples and reference have equal shares.
        only: The class of every sample; None for all classes.

    Raises:
        InfeasibleConfig: The images have no classes.
    """
    counts = torch.bincount(dataset.class_of(split), minlength=len(dataset.classes)).double()
    return SampleLabels(counts.cumsum(0) / counts.sum(), only)
