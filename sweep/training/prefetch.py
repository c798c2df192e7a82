"""What the host draws, made ahead for a block of steps and copied to the device at once, to fixed addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import torch
from torch import Tensor

from sweep.config.run import TrainConfig
from sweep.training.batch import Draws, draw_noise, host_draws
from sweep.training.lr_schedules import lr_at

# Of a block: noise that the host draws would make blocks large.
MAX_BLOCK_BYTES = 2**24


class Prefetcher:
    """The draws, learning rates and averaging shares of the coming steps, and the noise of the next one.

    `seek` is the host's part, and never waits for the device; the other methods read tensors alone, so that a captured
    step finds there whatever was put there since.

    Args:
        config: Of the run.
        shape: Of the dataset, (N, C, H, W).
        device: Where the steps are made.
        shares: How far each average moves at a step.
        steps: Of a block at most.
    """

    def __init__(
        self,
        config: TrainConfig,
        shape: tuple[int, ...],
        device: torch.device,
        shares: Callable[[int], list[float]],
        steps: int,
    ) -> None:
        self._shape, self._device, self._shares = shape, device, shares
        self._position = torch.zeros(1, dtype=torch.int64, device=device)
        self.noise = torch.empty(config.batch, *shape[1:], device=device)
        self._config, self._first = config, 0
        self._row = host_draws(1, config, config.seed, shape)
        tensors = {f.name: v for f in fields(self._row) if (v := getattr(self._row, f.name)) is not None}
        size = sum(tensor.nbytes for tensor in tensors.values())
        self._steps = max(1, min(steps, MAX_BLOCK_BYTES // size))
        self._block = {
            name: torch.zeros(self._steps, *tensor.shape, dtype=tensor.dtype, device=device)
            for name, tensor in tensors.items()
        }
        self._lr = torch.zeros(self._steps, device=device)
        self._moves = torch.zeros(self._steps, len(shares(1)), device=device)

    def restart(self, config: TrainConfig, shares: Callable[[int], list[float]]) -> None:
        """Draw for another run of the same shapes."""
        self._config, self._shares, self._first = config, shares, 0

    def seek(self, step: int) -> None:
        """Make what step `step` reads, and of the steps after it what the block has room for."""
        if not self._first <= step < self._first + self._steps or self._first == 0:
            self._fill(step)
        self._position.fill_(step - self._first)
        draw_noise(self.noise, self._config.seed, step)

    def _fill(self, first: int) -> None:
        config, steps = self._config, range(first, first + self._steps)
        drawn = [host_draws(step, config, config.seed, self._shape) for step in steps]
        for name, block in self._block.items():
            self._put(block, torch.stack([getattr(one, name) for one in drawn]))
        self._put(self._lr, torch.tensor([lr_at(config, (step - 1) * config.batch) for step in steps]))
        if self._moves.shape[1]:
            self._put(self._moves, torch.tensor([self._shares(step) for step in steps]))
        self._first = first

    def _put(self, block: Tensor, drawn: Tensor) -> None:
        # Pinned anew each time: torch gives such memory out again only when the copy from it is done.
        block.copy_(drawn.pin_memory() if self._device.type == "cuda" else drawn, non_blocking=True)

    def draws(self) -> Draws:
        """Of the step sought last."""
        return replace(self._row, **{name: self._here(block) for name, block in self._block.items()})

    def lr(self) -> Tensor:
        """Its learning rate, float32 scalar."""
        return self._here(self._lr)

    def shares(self) -> Tensor:
        """How far each average moves, float32 [averages]."""
        return self._here(self._moves)

    def _here(self, block: Tensor) -> Tensor:
        return block.index_select(0, self._position).squeeze(0)
