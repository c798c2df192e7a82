"""Initial weights as a pure function of a generator's seed, never of the global one."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

# Ho et al. 2020, released code: `init_scale=0` means a variance scale of 1e-10, so every residual branch and the
# net's output start at almost zero, but not at exactly zero: gradients reach every weight from the first step.
NEAR_ZERO_SCALE = 1e-10


class NearZeroConv2d(nn.Conv2d):
    """A convolution that `initialise` starts near zero."""


class NearZeroLinear(nn.Linear):
    """A linear layer that `initialise` starts near zero."""


class StackedLinear(nn.Linear):
    """Several equal linear layers evaluated as one; each part has the fan of its own, not of the stack.

    Args:
        width: Inputs, and outputs of each part.
        parts: How many layers are stacked along the output.
    """

    def __init__(self, width: int, parts: int) -> None:
        super().__init__(width, width * parts)
        self.parts = parts


class ClassEmbedding(nn.Embedding):
    """An embedding of classes, which `initialise` draws after all other weights."""


# Ho et al. 2020, released code (default_init); Glorot & Bengio 2010, eq. 16 for scale = 1.
def variance_scaling_limit(fan_in: int, fan_out: int, scale: float) -> float:
    """Half-width of the uniform distribution whose variance is scale / mean(fan_in, fan_out).

    Args:
        fan_in: Inputs of each output of the layer.
        fan_out: Outputs of each input of the layer.
        scale: Variance at a mean fan of 1.
    """
    variance = scale / ((fan_in + fan_out) / 2)
    return math.sqrt(3 * variance)


@torch.no_grad()
def initialise(net: nn.Module, generator: torch.Generator) -> None:
    """Overwrite every parameter of `net`, in module order, from `generator` alone.

    Weights of convolutions and linear layers: uniform variance scaling over the mean fan, scale 1, or 1e-10 for
    `NearZeroConv2d` and `NearZeroLinear`. Biases 0. Norms 1 and 0. Embeddings of classes: standard normal (Dhariwal &
    Nichol 2021, released code), drawn after all else, so that all else is as in the net without classes.

    Args:
        net: On any device. Draws happen on the generator's device and are copied, so a CPU generator gives the same
            weights whatever device the net is on.
        generator: Is advanced.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            parts = module.parts if isinstance(module, StackedLinear) else 1
            scale = NEAR_ZERO_SCALE if isinstance(module, NearZeroConv2d | NearZeroLinear) else 1.0
            for part in module.weight.chunk(parts):
                _fill_uniform(part, scale, generator)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, nn.GroupNorm | nn.LayerNorm):
            module.weight.fill_(1.0)
            module.bias.zero_()
        elif not isinstance(module, ClassEmbedding):
            assert not list(module.parameters(recurse=False)), f"no initial values for {type(module).__name__}"
    for module in net.modules():
        if isinstance(module, ClassEmbedding):
            drawn = torch.randn(module.weight.shape, device=generator.device, generator=generator)
            module.weight.copy_(drawn)


def _fill_uniform(weight: Tensor, scale: float, generator: torch.Generator) -> None:
    receptive_field = weight[0, 0].numel()
    limit = variance_scaling_limit(weight.shape[1] * receptive_field, weight.shape[0] * receptive_field, scale)
    drawn = torch.empty(weight.shape, device=generator.device).uniform_(-limit, limit, generator=generator)
    weight.copy_(drawn)
