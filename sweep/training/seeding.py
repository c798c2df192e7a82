"""Every random number of a training as a pure function of (seed, purpose, step).

No random state is ever stored: a resumed step draws what the interrupted one would have drawn, and two configs that
share a seed share initial weights, data order, flips, t and noise, whatever else differs between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from sweep.config.keys import derived_seed

# A name is hashed into the stream: renaming one changes every number that it ever gave.
Purpose = Literal["init", "order", "flip", "t", "noise", "dropout", "validation", "second_view", "label_dropout"]

CPU = torch.device("cpu")


def stream_seed(seed: int, purpose: Purpose, step: int) -> int:
    """Seed of one stream, 63 bits; torch's CPU generator uses the low 32 of them, CUDA's all.

    Args:
        seed: Seed of the run.
        purpose: What the numbers are for.
        step: Number of the step, or of the epoch for `order`.
    """
    return derived_seed("training", seed, purpose, step)


def generator(seed: int, purpose: Purpose, step: int, *, device: torch.device = CPU) -> torch.Generator:
    """A fresh generator at the start of the stream (seed, purpose, step).

    The same seed gives other numbers on another kind of device.

    Args:
        seed: Seed of the run.
        purpose: What the numbers are for.
        step: Number of the step, or of the epoch for `order`.
        device: Device that the numbers are drawn on.
    """
    return torch.Generator(device=device).manual_seed(stream_seed(seed, purpose, step))


def batch_indices(seed: int, step: int, batch: int, count: int) -> Tensor:
    """Which images the optimizer step `step` sees.

    Epochs are laid end to end, each a permutation of all images, and cut into batches: every image comes once an
    epoch, and a batch may straddle two epochs or hold several.

    Args:
        seed: Seed of the run.
        step: Number of the optimizer step, counted from 1.
        batch: Images a step.
        count: Images in the dataset.

    Returns:
        [batch] int64 indices in [0, count), on the CPU.
    """
    begin, end = (step - 1) * batch, step * batch
    parts = []
    for epoch in range(begin // count, (end - 1) // count + 1):
        start = epoch * count
        parts.append(_epoch_order(seed, epoch, count)[max(begin - start, 0) : end - start])
    return torch.cat(parts)


# A step needs two epochs at most, unless batches are larger than the dataset; shuffling 50,000 images takes 1 ms.
@lru_cache(maxsize=2)
def _epoch_order(seed: int, epoch: int, count: int) -> Tensor:
    return torch.randperm(count, generator=generator(seed, "order", epoch))


@contextmanager
def dropout_stream(seed: int, step: int, device: torch.device) -> Iterator[None]:
    """Makes dropout inside the block a function of (seed, step).

    Dropout takes no generator: it draws from the device's default one. So that one is seeded here, and put back after,
    which is safe because a training owns its process: no other thread draws from it meanwhile.

    Args:
        seed: Seed of the run.
        step: Number of the optimizer step, counted from 1.
        device: Device that dropout runs on.
    """
    default = torch.default_generator
    if device.type == "cuda":
        default = torch.cuda.default_generators[torch.cuda.current_device() if device.index is None else device.index]
    before = default.get_state()
    default.manual_seed(stream_seed(seed, "dropout", step))
    try:
        yield
    finally:
        default.set_state(before)
