"""Loss and gradient norm of every step, read from the device only now and then."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sweep.errors import Diverged

TAIL = 20


class MetricsBuffer:
    """Collects two numbers a step on the device; reading them waits for the device, so it is done rarely.

    Args:
        capacity: Steps between two flushes, at most.
        device: Where the numbers are made.
    """

    def __init__(self, capacity: int, device: torch.device) -> None:
        self._pending = torch.zeros(2, capacity, device=device)
        self._count = 0
        self.last_step = 0
        self.losses: list[float] = []
        """Loss of each step since `clear` that was flushed."""
        self.norms: list[float] = []
        """Global gradient norm of each of these steps, before clipping."""
        self._tail: list[tuple[float, float]] = []

    @property
    def full(self) -> bool:
        """Whether `flush` must come before the next `record`."""
        return self._count == self._pending.shape[1]

    def record(self, step: int, loss: Tensor, norm: Tensor) -> None:
        """Note a step's loss and gradient norm, both scalars on the device, without waiting for them.

        Args:
            step: Number of the optimizer step, counted from 1.
            loss: Mean loss of the step, scalar on the device.
            norm: Global norm of the step's gradients before clipping, scalar on the device.
        """
        self._pending[0, self._count] = loss.detach()
        self._pending[1, self._count] = norm.detach()
        self._count += 1
        self.last_step = step

    def flush(self) -> None:
        """Read what is pending.

        Raises:
            Diverged: A loss or norm is not finite; names the first such step and the values before it.
        """
        first = self.last_step - self._count + 1
        losses, norms = self._pending[:, : self._count].tolist()
        self._count = 0
        for step, (loss, norm) in enumerate(zip(losses, norms, strict=True), start=first):
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise _diverged(step, loss, norm, self._tail)
            self._tail = [*self._tail[1 - TAIL :], (loss, norm)]
        self.losses += losses
        self.norms += norms

    def clear(self) -> None:
        """Begin a new window for means."""
        self.losses.clear()
        self.norms.clear()

    def state_dict(self) -> dict[str, object]:
        """Everything that was flushed; nothing may be pending."""
        assert self._count == 0
        return {
            "last_step": self.last_step,
            "losses": list(self.losses),
            "norms": list(self.norms),
            "tail": list(self._tail),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`."""
        assert self._count == 0
        self.last_step = state["last_step"]
        self.losses, self.norms, self._tail = state["losses"], state["norms"], state["tail"]


def _diverged(step: int, loss: float, norm: float, tail: Sequence[tuple[float, float]]) -> Diverged:
    before = range(step - len(tail), step)
    evidence = {
        "step": [float(s) for s in before],
        "loss": [values[0] for values in tail],
        "grad_norm": [values[1] for values in tail],
    }
    return Diverged(f"step {step}: loss {loss:g}, gradient norm {norm:g}", step=step, evidence=evidence)
