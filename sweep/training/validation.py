"""The loss on held-out images: the same images, t and noise each time, so that a curve has no sampling noise."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sweep.data.pixels import to_model_range
from sweep.training.batch import Batch
from sweep.training.objective import Objective
from sweep.training.seeding import generator

MAX_VALIDATION_IMAGES = 1024
# Of a training, for all computations of its validation loss; but a curve has so many points at least.
SHARE, MIN_POINTS = 0.01, 5


def validation_points(at_most: int, *, images: int, held_out: int) -> int:
    """Points of the validation curve of a training: a hundredth of its work, where that is enough for a curve.

    A step costs three times the forward pass of a validation (forward, and twice as much backward).

    Args:
        at_most: Most points that are wanted.
        images: Budget of the training, images seen.
        held_out: Images of the validation split.

    Returns:
        Their number; 0 where no image is held out.
    """
    if held_out == 0:
        return 0
    each = min(held_out, MAX_VALIDATION_IMAGES) / 3
    return min(at_most, max(MIN_POINTS, int(SHARE * images / each)))


def validation_batch(images: Tensor, T: int, seed: int, device: torch.device, classes: Tensor | None = None) -> Batch:
    """Up to 1024 held-out images, each with its t and noise: a function of the data, T and the seed.

    t is spread evenly over the chain instead of drawn: the same mean, less variance.

    Args:
        images: Validation split, uint8 [N, C, H, W].
        T: Length of the chain.
        seed: Seed of the run.
        device: Device that the batch is put on.
        classes: Class of each image, int64 [N], where the net sees it.
    """
    count = min(len(images), MAX_VALIDATION_IMAGES)
    draws = generator(seed, "validation", 0)
    chosen = torch.randperm(len(images), generator=draws)[:count]
    x0 = to_model_range(images[chosen.to(images.device)])
    i = ((torch.arange(count, dtype=torch.float64) + 0.5) * T / count).long()
    noise = torch.randn(x0.shape, generator=draws)
    labels = None if classes is None else classes[chosen.to(classes.device)].to(device)
    return Batch(x0.to(device), i.to(device), noise.to(device), labels=labels)


@torch.inference_mode()
def validation_loss(net: nn.Module, objective: Objective, batch: Batch) -> float:
    """Unweighted squared error on epsilon, mean over the batch.

    Args:
        net: The net, whose raw weights are used, without dropout.
        objective: The loss of its config.
        batch: What `validation_batch` returned.
    """
    training = net.training
    net.eval()
    try:
        parts = -(-len(batch.i) // objective.config.batch)
        total = sum(objective.epsilon_error(net, part).double().sum() for part in batch.split(parts))
    finally:
        net.train(training)
    return float(total) / len(batch.i)
