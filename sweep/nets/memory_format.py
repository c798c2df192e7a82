"""How the weights and feature maps of a net lie in memory: decided by what the net is, never by a timing.

A layout decides the last bits of a convolution's sums. Were it timed, a run resumed a minute later could end in others.
"""

from __future__ import annotations

import torch
from torch import nn

from sweep.nets.registry import NETS


def channels_last(kind: str) -> bool:
    """Whether feature maps of this kind of net lie in memory as [B, H, W, C]; their shape stays [B, C, H, W].

    Those of convolutional nets do: oneDNN and cuDNN compute convolutions in that layout, and convert every other one
    before and after. Measured by `tests/benchmarks` on CPUs alone.

    Args:
        kind: Key of `registry.NETS`.
    """
    return NETS[kind].channels_last


def laid_out(net: nn.Module, kind: str) -> nn.Module:
    """The same net, its weights in the layout of its kind.

    Args:
        net: The net; its weights are moved in place.
        kind: Key of `registry.NETS`.
    """
    return net.to(memory_format=torch.channels_last) if channels_last(kind) else net
