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


class MovingAverages:
    """Several averages of one net, float32, that move together: each a row over all of its floating-point tensors.

    How far each moves is a tensor, so that a captured step serves any decays. Sums are float32 whatever the net holds:
    in bfloat16 a step of 1 - d = 1e-4 is lost in rounding.

    Args:
        net: Its tensors must stay where they are: move it to its device before.
        count: Of averages; they begin at 0.
    """

    def __init__(self, net: nn.Module, count: int) -> None:
        self.live = float_tensors(net)
        sizes = [tensor.numel() for tensor in self.live.values()]
        device = next(iter(self.live.values())).device
        self._rows = torch.zeros(count, sum(sizes), device=device)
        # One row in, all averages on: two kernels whatever their number and that of the parameters.
        self._now = torch.zeros(sum(sizes) if count else 0, device=device)
        self._parts = self._views(self._now) if count else []

    def _views(self, row: Tensor) -> list[Tensor]:
        parts = torch.split(row, [tensor.numel() for tensor in self.live.values()])
        return [part.view(tensor.shape) for part, tensor in zip(parts, self.live.values(), strict=True)]

    def tensors(self, k: int) -> list[Tensor]:
        """Average k, in the shapes and the order of `live`; not copied."""
        return self._views(self._rows[k])

    def move(self, shares: Tensor) -> None:
        """Move each average by its share, float32 [count] on the device, of the way to the weights as they are now."""
        if self._parts:
            torch._foreach_copy_(self._parts, list(self.live.values()))
            self._rows.lerp_(self._now, shares[:, None])

    def reset(self) -> None:
        """Back to 0, in place."""
        self._rows.zero_()


class ConstantEMA:
    """One average for each decay d, of the net's weights after each of the optimizer's steps.

        theta_bar_0 = 0,   theta_bar_n = d theta_bar_{n-1} + (1 - d) theta_n,   weights = theta_bar_n / (1 - d^n)

    The division is Adam's bias correction (Kingma & Ba 2015, section 3): the average is over the steps taken and the
    initial weights have no part in it. Without it d = 0.9999 would still be 90 % initial weights after 1000 steps, and
    a sweep over d would measure the length of the run. Others cap d by a ramp over n instead, e.g. at (1 + n)/(10 + n).

    Args:
        net: Its tensors must stay where they are: move it to its device before.
        decays: Each in (0, 1). The raw weights, decay 0, are always there and need no copy.
    """

    def __init__(self, net: nn.Module, decays: Iterable[float]) -> None:
        self.net = net
        self.steps = 0
        self._tracked = tuple(dict.fromkeys(d for d in decays if d))
        self._averages = MovingAverages(net, len(self._tracked))
        device = next(iter(self._averages.live.values())).device
        self._shares = torch.tensor([1.0 - d for d in self._tracked], dtype=torch.float32, device=device)

    @property
    def decays(self) -> tuple[float, ...]:
        """The decays that `weights` knows, ascending; the first is 0, the raw weights."""
        return (0.0, *sorted(self._tracked))

    def update(self) -> None:
        """Take in the weights as they are now: once after every optimizer step."""
        self.move()
        self.steps += 1

    def move(self) -> None:
        """The part of `update` that a device does: only tensors at fixed addresses are read and written."""
        self._averages.move(self._shares)

    def restart(self, decays: Iterable[float]) -> None:
        """Begin anew with as many decays, in place."""
        tracked = tuple(dict.fromkeys(d for d in decays if d))
        assert len(tracked) == len(self._tracked), (tracked, self._tracked)
        self.steps, self._tracked = 0, tracked
        self._shares.copy_(torch.tensor([1.0 - d for d in tracked], dtype=torch.float32))
        self._averages.reset()

    def _sums(self) -> dict[float, list[Tensor]]:
        return {decay: self._averages.tensors(k) for k, decay in enumerate(self._tracked)}

    def weights(self, decay: float) -> Weights:
        """Averaged weights under the names of `net.state_dict()`, each in the dtype it has there; copies.

        Args:
            decay: One of `decays`. Integer buffers, and everything at decay 0 or before the first update, are those of
                the net.
        """
        weights = {name: tensor.detach().clone() for name, tensor in self.net.state_dict().items()}
        if decay and self.steps:
            correction = 1.0 - decay**self.steps
            for (name, tensor), total in zip(self._averages.live.items(), self._sums()[decay], strict=True):
                weights[name] = (total / correction).to(tensor.dtype)
        return weights

    def state_dict(self) -> dict[str, object]:
        """What `load_state_dict` of another instance with the same net and decays needs; not copied."""
        return {"steps": self.steps, "sums": self._sums()}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Continue from a `state_dict`."""
        steps, sums = state["steps"], state["sums"]
        assert isinstance(steps, int)
        assert isinstance(sums, dict)
        mine = self._sums()
        assert sums.keys() == mine.keys()
        self.steps = steps
        for decay, saved in sums.items():
            torch._foreach_copy_(mine[decay], saved)
