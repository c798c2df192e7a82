"""What one batch is: images and everything random about a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from sweep.config.run import TrainSettings
from sweep.data.pixels import to_model_range
from sweep.training.auxiliary_losses import active_terms
from sweep.training.seeding import batch_indices, generator
from sweep.training.timesteps import ImportanceSampler, draw_shares, draw_uniform


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
    labels: Tensor | None = None
    """Class of each image, int64 [B], where the net sees it; the number of classes stands for none."""

    def split(self, parts: int) -> Iterator[Batch]:
        """Up to `parts` consecutive slices, nearly equal."""
        pieces = {f.name: v.chunk(parts) for f in fields(self) if (v := getattr(self, f.name)) is not None}
        for k in range(len(pieces["i"])):
            yield Batch(**{name: chunks[k] for name, chunks in pieces.items()})


@dataclass(frozen=True, eq=False)
class Draws:
    """What the host draws for one step, the same on every device."""

    index: Tensor
    """Which images, int64 [B]."""
    t: Tensor
    """Code indices, int64 [B]; where t is drawn by importance, float64 [B] of `timesteps.draw_shares`."""
    mirrored: Tensor | None
    """bool [B]; None where no image is."""
    second_i: Tensor | None
    second_noise: Tensor | None
    label_dropped: Tensor | None = None
    """bool [B]: which images are shown without their class; None where none is."""


def host_draws(step: int, config: TrainSettings, seed: int, shape: tuple[int, ...]) -> Draws:
    """A function of (seed, step), the shape of the data and a few settings; tensors on the CPU.

    Args:
        step: Number of the optimizer step, counted from 1.
        config: Config whose `batch`, `T`, `flip`, `t_sampling`, `label_dropout` and additional terms are read.
        seed: Seed of the run.
        shape: Shape of the training images, (N, C, H, W).
    """
    index = batch_indices(seed, step, config.batch, shape[0])
    mirrored = second_i = second_noise = None
    if config.flip:
        mirrored = torch.rand(config.batch, generator=generator(seed, "flip", step)) < 0.5
    if config.t_sampling == "importance":
        t = draw_shares(seed, step, config.batch)
    else:
        t = draw_uniform(seed, step, config.T, config.batch)
    if any(term.two_views for term in active_terms(config)):
        draws = generator(seed, "second_view", step)
        second_i = torch.randint(config.T, (config.batch,), generator=draws)
        second_noise = torch.randn(config.batch, *shape[1:], generator=draws)
    dropped = None
    if config.label_dropout:
        dropped = torch.rand(config.batch, generator=generator(seed, "label_dropout", step)) < config.label_dropout
    return Draws(index, t, mirrored, second_i, second_noise, dropped)


@dataclass(frozen=True, eq=False)
class Labels:
    """The classes of the training images.

    Attributes:
        of_images: Class of each, int64 [N].
        no_class: Number that stands for no class: how many there are.
    """

    of_images: Tensor
    no_class: int


def assemble(
    images: Tensor,
    draws: Draws,
    noise: Tensor,
    importance: ImportanceSampler | None = None,
    labels: Labels | None = None,
) -> Batch:
    """The batch that draws stand for. All tensors on one device, and nothing waits for it.

    Args:
        images: Training images, uint8 [N, C, H, W].
        draws: What the host drew for the step.
        noise: Standard normals, [B, C, H, W].
        importance: Turns the draws of t into indices, by the losses so far; None where t is uniform.
        labels: Classes of the training images, where the net sees them.
    """
    x0 = to_model_range(images[draws.index])
    if draws.mirrored is not None:
        x0 = torch.where(draws.mirrored.view(-1, 1, 1, 1), x0.flip(3), x0)
    i, weight = (draws.t, None) if importance is None else importance.draw(draws.t)
    batch = Batch(x0, i, noise, weight, draws.second_i, draws.second_noise)
    if labels is None:
        return batch
    shown = labels.of_images[draws.index]
    if draws.label_dropped is not None:
        shown = shown.masked_fill(draws.label_dropped, labels.no_class)
    return replace(batch, labels=shown)


def draw_noise(out: Tensor, seed: int, step: int) -> Tensor:
    """Fill `out` with the noise of a step, drawn where it is; returns it.

    Args:
        out: Tensor that is filled, on the device whose noise it is.
        seed: Seed of the run.
        step: Number of the optimizer step, counted from 1.
    """
    return torch.randn(out.shape, generator=generator(seed, "noise", step, device=out.device), out=out)


def draw_batch(
    images: Tensor,
    step: int,
    config: TrainSettings,
    seed: int,
    importance: ImportanceSampler | None = None,
    labels: Labels | None = None,
) -> Batch:
    """The batch of one optimizer step: a function of the data, (seed, step), and a few settings.

    Which images, which flips and which t are the same on every device; noise is drawn where the images are.

    Args:
        images: Training images, uint8 [N, C, H, W].
        step: Number of the optimizer step, counted from 1.
        config: Config whose `batch`, `T`, `flip`, `t_sampling`, `label_dropout` and additional terms are read.
        seed: Seed of the run.
        importance: Where t is drawn by importance; then it depends on the losses so far.
        labels: Classes of the training images, where the net sees them.
    """
    drawn = host_draws(step, config, seed, tuple(images.shape))
    moved = {f.name: v.to(images.device) for f in fields(drawn) if (v := getattr(drawn, f.name)) is not None}
    noise = torch.empty(config.batch, *images.shape[1:], device=images.device)
    return assemble(images, replace(drawn, **moved), draw_noise(noise, seed, step), importance, labels)
