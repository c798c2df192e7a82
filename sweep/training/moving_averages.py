"""Several moving averages of one net's weights that move together: what `ema.py` and `power_ema.py` have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

Key = TypeVar("Key")

Weights = dict[str, Tensor]
"""Tensors by their names in `net.state_dict()`."""


def float_tensors(net: nn.Module) -> Weights:
    """Parameters and floating-point buffers by name, not copied: what is averaged. Counters are not."""
    tensors = net.state_dict(keep_vars=True)
    return {name: tensor.detach() for name, tensor in tensors.items() if tensor.is_floating_point()}


class MovingAverages(ABC, Generic[Key]):
    """Averages of one net by key, float32: each a row over all of the net's floating-point tensors.

    How far each moves is a tensor, so that a captured step serves any decays. Sums are float32 whatever the net holds:
    in bfloat16 a step of 1 - d = 1e-4 is lost in rounding.

    Args:
        net: The net. Its tensors must stay where they are: move it to its device before.
        keys: Names of the averages, which begin at 0.
    """

    stored_as: ClassVar[str]
    """Key of the averages in `state_dict`; checkpoints of released versions hold it."""

    def __init__(self, net: nn.Module, keys: Sequence[Key]) -> None:
        self.steps = 0
        self.live = float_tensors(net)
        self._keys = tuple(keys)
        sizes = [tensor.numel() for tensor in self.live.values()]
        device = next(iter(self.live.values())).device
        self._rows = torch.zeros(len(self._keys), sum(sizes), device=device)
        # One row in, all averages on: two kernels whatever their number and that of the parameters.
        self._live_row = torch.zeros(sum(sizes) if self._keys else 0, device=device)
        self._live_parts = self._views(self._live_row) if self._keys else []

    def _views(self, row: Tensor) -> list[Tensor]:
        # In the layout of the net's own tensors: torch copies lists of others one tensor at a time.
        parts = torch.split(row, [tensor.numel() for tensor in self.live.values()])
        return [
            part.as_strided(tensor.shape, tensor.stride())
            for part, tensor in zip(parts, self.live.values(), strict=True)
        ]

    @abstractmethod
    def shares(self, step: int) -> list[float]:
        """How far each average moves after optimizer step `step`, from 1: 1 minus its decay there."""

    def tensors(self) -> dict[Key, list[Tensor]]:
        """Every average, in the shapes, layouts and order of `live`; not copied."""
        return {key: self._views(self._rows[k]) for k, key in enumerate(self._keys)}

    def update(self) -> None:
        """Take in the weights as they are now: once after every optimizer step."""
        shares = torch.tensor(self.shares(self.steps + 1), dtype=torch.float32, device=self._rows.device)
        self.move(shares)
        self.steps += 1

    def move(self, shares: Tensor) -> None:
        """The part of `update` that a device does: move each average by its share of the way to the present weights.

        Args:
            shares: float32 [averages] on the device.
        """
        if self._live_parts:
            torch._foreach_copy_(self._live_parts, list(self.live.values()))
            self._rows.lerp_(self._live_row, shares[:, None])

    def reset(self) -> None:
        """Back to 0 and to no step, in place."""
        self.steps = 0
        self._rows.zero_()

    def state_dict(self) -> dict[str, object]:
        """What `load_state_dict` of another instance with the same net and keys needs; not copied."""
        return {"steps": self.steps, self.stored_as: self.tensors()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a `state_dict`."""
        averages, saved = self.tensors(), state[self.stored_as]
        assert saved.keys() == averages.keys(), (saved.keys(), averages.keys())
        self.steps = state["steps"]
        for key, tensors in saved.items():
            torch._foreach_copy_(averages[key], tensors)
