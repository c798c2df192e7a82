"""Prefetching: what the host draws for a step, drawn for a block of steps and copied to the device at once."""

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

    `seek` is the host's part, and never waits for the device. The other methods only read tensors at fixed addresses,
    so that a captured step reads what was written there for the step at hand.

    Args:
        config: Config of the run.
        shape: Shape of the training images, (N, C, H, W).
        device: Device that the steps run on.
        shares: How far each average moves at a step: a function of the step, counted from 1.
        steps: Most steps in a block.
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
        self._first_draws = host_draws(1, config, config.seed, shape)
        tensors = {f.name: v for f in fields(Draws) if (v := getattr(self._first_draws, f.name)) is not None}
        size = sum(tensor.nbytes for tensor in tensors.values())
        self._steps = max(1, min(steps, MAX_BLOCK_BYTES // size))
        self._draws_block = {
            name: torch.zeros(self._steps, *tensor.shape, dtype=tensor.dtype, device=device)
            for name, tensor in tensors.items()
        }
        self._lr_block = torch.zeros(self._steps, device=device)
        self._shares_block = torch.zeros(self._steps, len(shares(1)), device=device)

    def restart(self, config: TrainConfig, shares: Callable[[int], list[float]]) -> None:
        """Draw for another run of the same shapes.

        Args:
            config: Config of the other run.
            shares: How far each of its averages moves at a step: a function of the step, counted from 1.
        """
        self._config, self._shares, self._first = config, shares, 0

    def seek(self, step: int) -> None:
        """Write what optimizer step `step` reads, and of the steps after it what the block has room for."""
        if not self._first <= step < self._first + self._steps or self._first == 0:
            self._fill(step)
        self._position.fill_(step - self._first)
        draw_noise(self.noise, self._config.seed, step)

    def _fill(self, first: int) -> None:
        config, steps = self._config, range(first, first + self._steps)
        draws = [host_draws(step, config, config.seed, self._shape) for step in steps]
        for name, block in self._draws_block.items():
            self._copy(block, torch.stack([getattr(one, name) for one in draws]))
        self._copy(self._lr_block, torch.tensor([lr_at(config, (step - 1) * config.batch) for step in steps]))
        if self._shares_block.shape[1]:
            self._copy(self._shares_block, torch.tensor([self._shares(step) for step in steps]))
        self._first = first

    def _copy(self, block: Tensor, values: Tensor) -> None:
        # Pinned anew each time: torch gives such memory out again only when the copy from it is done.
        block.copy_(values.pin_memory() if self._device.type == "cuda" else values, non_blocking=True)

    def draws(self) -> Draws:
        """The draws of the step sought last, on the device."""
        draws = {name: self._at_position(block) for name, block in self._draws_block.items()}
        return replace(self._first_draws, **draws)

    def lr(self) -> Tensor:
        """The learning rate of the step sought last, float32 scalar."""
        return self._at_position(self._lr_block)

    def shares(self) -> Tensor:
        """How far each average moves at the step sought last, float32 [averages]."""
        return self._at_position(self._shares_block)

    def _at_position(self, block: Tensor) -> Tensor:
        return block.index_select(0, self._position).squeeze(0)
