"""Parts of plugins that a training step calls, with what their kinds promise around them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Optimizer

from sweep.config.own_part import OwnPart
from sweep.config.run import TrainSettings


def own_per_image_loss(part: OwnPart, prediction: Tensor, target: Tensor) -> Tensor:
    """The loss of a plugin, float32 [B]; unweighted.

    Args:
        part: The loss.
        prediction: [B, C, H, W]; cast to float32 first, as for the losses of this package.
        target: What the net should have predicted, shape of `prediction`.

    Raises:
        DataError: This process has not loaded the plugin.
        Exception: Whatever the part raises.
    """
    loss: Tensor = part("loss", {"prediction": prediction.float(), "target": target.float()})
    return loss.flatten(1).mean(1) if loss.ndim > 1 else loss


def own_optimizer(part: OwnPart, params: list[torch.nn.Parameter], lr: Tensor, config: TrainSettings) -> Optimizer:
    """The optimizer of a plugin.

    Args:
        part: The optimizer.
        params: Parameters on one device.
        lr: Learning rate, float32 scalar on the device, which the harness writes before each step.
        config: Config whose betas, eps and weight_decay are read.

    Raises:
        DataError: This process has not loaded the plugin.
        Exception: Whatever the part raises.
    """
    rest = {"betas": config.betas, "eps": config.eps, "weight_decay": config.weight_decay}
    optimizer: Optimizer = part("optimizer", {"params": params, "lr": lr} | rest)
    return optimizer
