"""What one batch is: images and everything random about a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from sweep.config.run import TrainSettings
from sweep.data.pixels import to_model_range
from sweep.training.seeding import batch_indices, generator
from sweep.training.terms import active_terms
from sweep.training.timesteps import ImportanceSampler, draw_uniform


@dataclass(frozen=True, eq=False)
class Batch:
    """Images and everything random about one step, on one device."""

    x0: Tensor
    """float32 [B, C, H, W] in [-1, 1]."""
    i: Tensor
    """int64 [B], code index t - 1 in [0, T)."""
    noise: Tensor
    """Standard normal, shape of x0."""
    importance: Tensor | None = None
    """1 / (T p_t), float32 [B]; None where t is uniform."""
    second_i: Tensor | None = None
    """A second t of each image, int64 [B], where two noisings are compared."""
    second_noise: Tensor | None = None
    """And its noise."""

    def split(self, parts: int) -> Iterator[Batch]:
        """Up to `parts` consecutive slices, nearly equal."""
        pieces = {f.name: v.chunk(parts) for f in fields(self) if (v := getattr(self, f.name)) is not None}
        for k in range(len(pieces["i"])):
            yield Batch(**{name: chunks[k] for name, chunks in pieces.items()})


def draw_batch(
    images: Tensor, step: int, config: TrainSettings, seed: int, importance: ImportanceSampler | None = None
) -> Batch:
    """The batch of one optimizer step: a function of the data, (seed, step), and a few settings.

    Which images, which flips and which t are the same on every device; noise is drawn where the images are.

    Args:
        images: uint8 [N, C, H, W].
        step: From 1.
        config: Its `batch`, `T`, `flip` and additional terms are read.
        seed: Of the run.
        importance: Draws t instead of the uniform law, and then depends on the losses so far.
    """
    device = images.device
    x0 = to_model_range(images[batch_indices(seed, step, config.batch, len(images)).to(device)])
    if config.flip:
        mirrored = torch.rand(config.batch, generator=generator(seed, "flip", step)) < 0.5
        x0 = torch.where(mirrored.to(device).view(-1, 1, 1, 1), x0.flip(3), x0)
    noise = torch.randn(x0.shape, generator=generator(seed, "noise", step, device=device), device=device)
    weight = second_i = second_noise = None
    if importance is None:
        i = draw_uniform(seed, step, config.T, config.batch).to(device)
    else:
        i, weight = importance.draw(seed, step, config.batch)
    if any(term.two_views for term in active_terms(config)):
        draws = generator(seed, "second_view", step)
        second_i = torch.randint(config.T, (config.batch,), generator=draws).to(device)
        second_noise = torch.randn(x0.shape, generator=draws).to(device)
    return Batch(x0, i, noise, weight, second_i, second_noise)
