"""What a part of each kind must do, tried on a CPU with the settings of an arm. One function a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn

from sweep.config.own_part import OwnPart
from sweep.config.run import Setting, TrainConfig
from sweep.data.facts import DATASET_FACTS
from sweep.limits import MAX_PARAMETERS
from sweep.training.initial_net import build_net
from sweep.training.noise_tables import betas_of
from sweep.worker.preparation import dataset_of

BATCH = 2


class Broken(Exception):
    """A part does not do what its kind promises; the text says what."""


def net_contract(_part: OwnPart, setting: Setting) -> None:
    """Weights that follow the seed, and a forward and backward pass that are finite, of the right shape and repeatable.

    Args:
        setting: An arm that uses the net.

    Raises:
        Broken: One of these does not hold.
    """
    config = setting.train_config(seed=0, ema_decays=())
    channels, size = _image_shape(config)
    net = build_net(config, channels=channels, size=size, seed=config.seed)
    _check_weights(net, build_net(config, channels=channels, size=size, seed=config.seed))
    x = torch.randn(BATCH, channels, size, size, generator=torch.Generator().manual_seed(0))
    i = torch.tensor([0, config.T - 1])
    outputs = channels * (2 if config.learned_variance else 1)
    prediction = net(x, i)
    if not isinstance(prediction, torch.Tensor) or prediction.shape != (BATCH, outputs, size, size):
        returned = tuple(prediction.shape) if isinstance(prediction, torch.Tensor) else type(prediction).__name__
        raise Broken(f"forward returned {returned}; a tensor {(BATCH, outputs, size, size)} is expected")
    if not prediction.isfinite().all():
        raise Broken("forward returned numbers that are not finite")
    trained = [each for each in net.parameters() if each.requires_grad]
    gradients = torch.autograd.grad(prediction.square().mean(), trained, allow_unused=True)
    if any(gradient is None or not gradient.isfinite().all() for gradient in gradients):
        raise Broken("its gradients are missing or not finite")
    net.eval()
    with torch.inference_mode():
        if not torch.equal(net(x, i), net(x, i)):
            raise Broken("in eval mode, forward returns other numbers for the same images")


def _check_weights(net: nn.Module, again: nn.Module) -> None:
    if (weights := sum(each.numel() for each in net.parameters())) > MAX_PARAMETERS:
        raise Broken(f"it has {weights:,} weights; {MAX_PARAMETERS:,} are the most")
    if not weights:
        raise Broken("it has no weights, so there is nothing to train")
    if any(not torch.equal(value, again.state_dict()[name]) for name, value in net.state_dict().items()):
        raise Broken("two nets of one seed begin with different weights: draw them with torch alone")
    if constants := sorted(net.state_dict().keys() - {name for name, _ in net.named_parameters()}):
        raise Broken(f"{constants[0]} is kept with the weights and is none: averages of weights run over it")


def schedule_contract(_part: OwnPart, setting: Setting) -> None:
    """Betas that make a chain, the same at each call.

    Args:
        setting: An arm that uses the schedule.

    Raises:
        Broken: The betas differ between two calls.
        InfeasibleConfig: They make no chain; the message names the first t where.
    """
    if not np.array_equal(betas_of(setting), betas_of(setting)):
        raise Broken("it returns other betas at each call")


def _image_shape(config: TrainConfig) -> tuple[int, int]:
    facts = DATASET_FACTS.get(config.data.name)
    if facts is not None:
        return facts.channels, facts.size
    dataset = dataset_of(config.data)
    return dataset.channels, dataset.size


CONTRACTS: Mapping[str, Callable[[OwnPart, Setting], None]] = {
    "net": net_contract,
    "schedule": schedule_contract,
}
"""Name of a kind -> what its parts must do."""
