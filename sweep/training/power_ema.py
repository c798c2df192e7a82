"""Power-function averages and the choice of their length after training (Karras et al. 2024, "EDM2", section 3).

Widths are `std`, the standard deviation of the averaging profile as a share of the run so far: 0.05 means the same
for runs of every length, and no initial weights remain in the average. Steps count from 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sweep.config.run import TrainConfig
from sweep.config.values import shortest
from sweep.errors import UsageError
from sweep.quantities import quantity
from sweep.training.moving_averages import MovingAverages, Weights
from sweep.training.power_profiles import (
    DEFAULT_STDS,
    coefficients,
    exponent_of_std,
    possible_stds,
    power_beta,
    representable,
    snapshot_steps,
    std_of_exponent,
)


@dataclass(frozen=True)
class Snapshot:
    """An average as it stood after `step` steps; weights as from `PowerEMA.snapshots`."""

    std: float
    step: int
    weights: Weights


class PowerEMA(MovingAverages[float]):
    """One power-function average for each std, float32, of the net's weights after each optimizer step.

        theta_bar_n = beta_n theta_bar_{n-1} + (1 - beta_n) theta_n,   beta_n = (1 - 1/n)^(gamma + 1)

    gamma is that whose profile has the width std, as a share of the run.

    Args:
        net: The net. Its tensors must stay where they are: move it to its device before.
        stds: Widths of the averages, each in (0, 0.2886) as a share of the run.

    Source: Karras et al. 2024 (EDM2), sec. 3.
    """

    stored_as = "means"

    def __init__(self, net: nn.Module, stds: Iterable[float] = DEFAULT_STDS) -> None:
        self._gammas = {std: exponent_of_std(std) for std in stds}
        super().__init__(net, tuple(self._gammas))

    # EDM2, eq. 121.
    def shares(self, step: int) -> list[float]:
        """How far each average moves after optimizer step `step`."""
        return [1.0 - power_beta(step, gamma) for gamma in self._gammas.values()]

    def snapshots(self) -> list[Snapshot]:
        """A copy of every average as it stands: floating-point tensors only."""
        return [
            Snapshot(
                std,
                self.steps,
                {
                    name: m.clone(memory_format=torch.contiguous_format)
                    for name, m in zip(self.live, means, strict=True)
                },
            )
            for std, means in self.tensors().items()
        ]


class PowerAverages:
    """The power-function averages that a config asks for, with the snapshots taken of them on the way.

    Snapshots stay in the memory of the CPU: `power_ema_snapshots` of them for each width.

    Args:
        net: The net that is averaged.
        config: Config of the run, whose `power_ema`, `power_ema_snapshots` and length are read.
    """

    def __init__(self, net: nn.Module, config: TrainConfig) -> None:
        self._averages = PowerEMA(net, config.power_ema)
        self._at: frozenset[int] = frozenset()
        self.snapshots: list[Snapshot] = []
        self.restart(config)

    def restart(self, config: TrainConfig) -> None:
        """Begin anew, in place, a run of the same widths."""
        self._at = frozenset(snapshot_steps(config.steps, config.power_ema_snapshots))
        self.snapshots = []
        self._averages.reset()

    def shares(self, step: int) -> list[float]:
        """How far each average moves after optimizer step `step`."""
        return self._averages.shares(step)

    def move(self, shares: Tensor) -> None:
        """What a device does after every optimizer step; shares float32 [widths] on it."""
        self._averages.move(shares)

    def count(self) -> None:
        """What the host does after every `move`: count it, and keep a snapshot where one is due."""
        self._averages.steps += 1
        if self._averages.steps in self._at:
            self.snapshots += [_on_cpu(snapshot) for snapshot in self._averages.snapshots()]

    def state_dict(self) -> dict[str, object]:
        """What `load_state_dict` of another instance with the same net and config needs; tensors are not copied."""
        return {"averages": self._averages.state_dict(), "snapshots": as_plain(self.snapshots)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a `state_dict`."""
        self._averages.load_state_dict(state["averages"])
        self.snapshots = [_on_cpu(snapshot) for snapshot in from_plain(state["snapshots"])]


def as_plain(snapshots: Sequence[Snapshot]) -> list[tuple[float, int, Weights]]:
    """Snapshots as tuples of numbers and tensors, which checkpoints may hold."""
    # Interned: pickle writes a name once for each object, and a resumed run has read its names from a file. So that
    # the bytes, and their hash, are a function of the numbers.
    return [(s.std, s.step, {sys.intern(name): t for name, t in s.weights.items()}) for s in snapshots]


def from_plain(rows: Sequence[tuple[float, int, Weights]]) -> list[Snapshot]:
    """Back from `as_plain`."""
    return [Snapshot(*row) for row in rows]


def _on_cpu(snapshot: Snapshot) -> Snapshot:
    return Snapshot(snapshot.std, snapshot.step, {name: t.cpu() for name, t in snapshot.weights.items()})


def reconstruct(snapshots: Sequence[Snapshot], std: float, *, step: int | None = None) -> Weights:
    """The average of width `std` that was never tracked, as a mix of snapshots.

    Args:
        snapshots: Snapshots of one run; more of them along the run represent more widths.
        std: Width wanted, as a share of the run.
        step: Step at which the wanted average ends; None: that of the last snapshot.

    Returns:
        The average, by the names of the net's floating-point tensors.

    Raises:
        UsageError: The snapshots cannot represent it; names the widths that they can.
    """
    step = max(s.step for s in snapshots) if step is None else step
    profiles = [(s.std, s.step) for s in snapshots]
    if not 0.0 < std < std_of_exponent(0.0) or not representable(profiles, std, step):
        possible = possible_stds(profiles, step)
        widths = f"between {possible[0]:.3f} and {possible[-1]:.3f}" if possible else "of no width at that step"
        raise UsageError(
            f"no average of width {shortest(std)} can be made from {quantity(len(snapshots), 'snapshot')}",
            why=f"they can represent averages {widths}",
            next="choose a width among these, or keep more snapshots along the run",
        )
    x, _ = coefficients(profiles, std, step)
    names = snapshots[0].weights
    columns = {name: torch.stack([s.weights[name] for s in snapshots], dim=-1) for name in names}
    return {name: column @ torch.tensor(x, device=column.device) for name, column in columns.items()}
