"""How the weights and feature maps of a net lie in memory: decided by what the net is, never by a timing.

A layout decides the last bits of a convolution's sums. Were it timed, a run resumed a minute later could end in others.
"""

from __future__ import annotations

import torch
from torch import nn

CONVOLUTIONAL = frozenset({"unet"})


def channels_last(kind: str) -> bool:
    """Whether a net of this kind keeps its feature maps as [B, H, W, C]; shapes are told as [B, C, H, W] all the same.

    Nets of convolutions do: oneDNN and cuDNN compute them in that layout, and turn every other one over and back.
    Measured by `tests/benchmarks` on CPUs alone.

    Args:
        kind: Key of `registry.NETS`.
    """
    return kind in CONVOLUTIONAL


def laid_out(net: nn.Module, kind: str) -> nn.Module:
    """The same net, its weights in the layout of its kind."""
    return net.to(memory_format=torch.channels_last) if channels_last(kind) else net
