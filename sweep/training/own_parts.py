"""Parts of plugins that a training step calls, with what their kinds promise around them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim import Optimizer

from sweep.config.own_part import OwnPart
from sweep.config.run import TrainSettings
from sweep.diffusion.linear_targets import TargetTable
from sweep.diffusion.process import Diffusion
from sweep.diffusion.targets import AnyTarget, LinearTarget
from sweep.training.batch import Batch
from sweep.training.noise_tables import betas_of, target_table_of


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
    return _per_image(part("loss", {"prediction": prediction.float(), "target": target.float()}))


def target_of(config: TrainSettings, device: torch.device | str) -> AnyTarget:
    """What the net of a config predicts: a name, or the target of a plugin on a device.

    Args:
        config: Config whose target and schedule are read.
        device: Device that the tables of a target of a plugin lie on.

    Raises:
        DataError: This process has not loaded the plugin.
        InfeasibleConfig: The target of the plugin returns something else than its coefficients.
    """
    if isinstance(config.target, str):
        return config.target
    betas = betas_of(config)
    table = target_table_of(config, betas)
    assert isinstance(table, TargetTable)
    return LinearTarget.of(table, betas, device)


def own_objective(
    part: OwnPart, net: Callable[[Tensor, Tensor], Tensor], x_t: Tensor, batch: Batch, diffusion: Diffusion
) -> Tensor:
    """The training objective of a plugin, float32 [B].

    Args:
        part: The objective.
        net: (x, i) -> output, in the arithmetic of the run.
        x_t: The noised images of the batch.
        batch: Images with their t and noise.
        diffusion: Tables of the training chain.

    Raises:
        DataError: This process has not loaded the plugin.
        Exception: Whatever the part raises.
    """
    given = {"net": net, "x0": batch.x0, "noise": batch.noise, "i": batch.i, "x_t": x_t, "diffusion": diffusion}
    return _per_image(part("objective", given))


def own_loss_term(
    part: OwnPart, prediction: Tensor, predicted_x0: Tensor, x_t: Tensor, batch: Batch, diffusion: Diffusion
) -> Tensor:
    """The additional loss term of a plugin times its weight, float32 [B].

    Args:
        part: The term.
        prediction: What the net predicted, float32 [B, C, H, W].
        predicted_x0: x_0 that this stands for, not clipped.
        x_t: The noised images of the batch.
        batch: Images with their t and noise.
        diffusion: Tables of the training chain.

    Raises:
        DataError: This process has not loaded the plugin.
        Exception: Whatever the part raises.
    """
    given = {
        "prediction": prediction,
        "predicted_x0": predicted_x0,
        "x0": batch.x0,
        "noise": batch.noise,
        "x_t": x_t,
        "i": batch.i,
        "alphas_bar": diffusion.at(diffusion.alphas_bar, batch.i),
    }
    return float(part.settings["weight"]) * _per_image(part("loss_term", given))


def _per_image(loss: object) -> Tensor:
    """Mean over all but the first dimension, float32 [B]."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"it returned {type(loss).__name__}; a tensor [B, ...] is expected")
    return loss.float().flatten(1).mean(1) if loss.ndim > 1 else loss


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
