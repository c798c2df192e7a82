"""Exponential moving averages of a net's weights: several constant decays at once."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

Weights = dict[str, Tensor]


def float_tensors(net: nn.Module) -> Weights:
    """Parameters and floating-point buffers by name, not copied: what is averaged. Counters are not."""
    tensors = net.state_dict(keep_vars=True)
    return {name: tensor.detach() for name, tensor in tensors.items() if tensor.is_floating_point()}


class ConstantEMA:
    """One average for each decay d, of the net's weights after each of the optimizer's steps.

        theta_bar_0 = 0,   theta_bar_n = d theta_bar_{n-1} + (1 - d) theta_n,   weights = theta_bar_n / (1 - d^n)

    The division is Adam's bias correction (Kingma & Ba 2015, section 3): the average is over the steps taken and the
    initial weights have no part in it. Without it d = 0.9999 would still be 90 % initial weights after 1000 steps, and
    a sweep over d would measure the length of the run. Others cap d by a ramp over n instead, e.g. at (1 + n)/(10 + n).

    Sums are float32 whatever the net holds: in bfloat16 a step of 1 - d = 1e-4 is lost in rounding.

    Args:
        net: Its tensors must stay where they are: move it to its device before.
        decays: Each in (0, 1). The raw weights, decay 0, are always there and need no copy.
    """

    def __init__(self, net: nn.Module, decays: Iterable[float]) -> None:
        self.net = net
        self.steps = 0
        self._live = float_tensors(net)
        self._sums = {d: [torch.zeros_like(t, dtype=torch.float32) for t in self._live.values()] for d in decays if d}

    @property
    def decays(self) -> tuple[float, ...]:
        """The decays that `weights` knows, ascending; the first is 0, the raw weights."""
        return (0.0, *sorted(self._sums))

    def update(self) -> None:
        """Take in the weights as they are now: once after every optimizer step."""
        self.steps += 1
        live = [tensor.float() for tensor in self._live.values()]
        for decay, sums in self._sums.items():
            torch._foreach_lerp_(sums, live, 1.0 - decay)

    def weights(self, decay: float) -> Weights:
        """Averaged weights under the names of `net.state_dict()`, each in the dtype it has there; copies.

        Args:
            decay: One of `decays`. Integer buffers, and everything at decay 0 or before the first update, are those of
                the net.
        """
        weights = {name: tensor.detach().clone() for name, tensor in self.net.state_dict().items()}
        if decay and self.steps:
            correction = 1.0 - decay**self.steps
            for (name, tensor), total in zip(self._live.items(), self._sums[decay], strict=True):
                weights[name] = (total / correction).to(tensor.dtype)
        return weights

    def state_dict(self) -> dict[str, object]:
        """What `load_state_dict` of another instance with the same net and decays needs; not copied."""
        return {"steps": self.steps, "sums": self._sums}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Continue from a `state_dict`."""
        steps, sums = state["steps"], state["sums"]
        assert isinstance(steps, int)
        assert isinstance(sums, dict)
        assert sums.keys() == self._sums.keys()
        self.steps = steps
        for decay, saved in sums.items():
            torch._foreach_copy_(self._sums[decay], saved)
