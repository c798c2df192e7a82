"""A net whose weights are cast to bfloat16 once, instead of at each call under autocast."""

from __future__ import annotations

import copy

import torch
from torch import nn


@torch.no_grad()
def with_cast_weights(net: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A copy of a net that computes the same bits under autocast to a type, and casts no weight while it does.

    Convolutions and linear layers alone are cast: autocast computes these in the type, whatever their weights are, and
    rounding a weight that is already rounded changes nothing.

    Args:
        net: The net. Later changes of its weights do not reach the copy.
        dtype: The type of autocast.
    """
    cast = copy.deepcopy(net)
    for module in cast.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.to(dtype)
    return cast
