"""One pass of the net over a slice of a batch, and the loss that comes of it."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from sweep.training.batch import Batch


class Cost(NamedTuple):
    """The loss of a slice of a batch."""

    loss: Tensor
    """What is minimised, float32 [B], with gradients."""
    bound: Tensor | None
    """L_t of each image in bits per dimension, float32 [B]; None where the objective does not read it."""


class ForwardPass(NamedTuple):
    """One pass of the net over a slice of a batch."""

    batch: Batch
    x_t: Tensor
    """The noised images that went in, float32 [B, C, H, W]."""
    output: Tensor
    """[B, C, H, W], or [B, 2C, H, W] where the variance is learned."""
    bottleneck: Tensor | None = None
    """Activations of the net's middle, [B, ...]; None where no additional term reads them."""
