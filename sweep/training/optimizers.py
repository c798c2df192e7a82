"""Every optimizer by name. All keep fp32 state, take lr as a tensor and can be captured in a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from sweep.config.own_part import OwnPart
from sweep.config.part_names import Optimizer as OptimizerName
from sweep.config.run import TrainSettings
from sweep.training.adabelief import AdaBelief
from sweep.training.own_parts import own_optimizer

Params = Iterable[torch.nn.Parameter]


def adam(params: list[torch.nn.Parameter], config: TrainSettings) -> Optimizer:
    """theta -= lr m^/(sqrt(v^) + eps), fused; weight_decay is an L2 penalty added to the gradient.

    Args:
        params: Parameters on one device.
        config: Config whose lr, betas, eps and weight_decay are read.

    Source: Kingma & Ba 2015, algorithm 1.
    """
    return torch.optim.Adam(
        params, _lr(params, config), config.betas, config.eps, config.weight_decay, fused=True, capturable=_cuda(params)
    )


def adamw(params: list[torch.nn.Parameter], config: TrainSettings) -> Optimizer:
    """Adam, and theta -= lr weight_decay theta beside it: decoupled, scaled by lr. Fused.

    Args:
        params: Parameters on one device.
        config: Config whose lr, betas, eps and weight_decay are read.

    Source: Loshchilov & Hutter 2019, algorithm 2.
    """
    return torch.optim.AdamW(
        params, _lr(params, config), config.betas, config.eps, config.weight_decay, fused=True, capturable=_cuda(params)
    )


def radam(params: list[torch.nn.Parameter], config: TrainSettings) -> Optimizer:
    """Adam whose v^ is rectified, and left out for the first five steps; weight_decay is an L2 penalty.

    Args:
        params: Parameters on one device.
        config: Config whose lr, betas, eps and weight_decay are read.

    Source: Liu et al. 2020, algorithm 2.
    """
    return torch.optim.RAdam(
        params,
        _lr(params, config),
        config.betas,
        config.eps,
        config.weight_decay,
        foreach=True,
        capturable=_cuda(params),
    )


def adabelief(params: list[torch.nn.Parameter], config: TrainSettings) -> Optimizer:
    """theta -= lr m^/(sqrt(s^) + eps), s the average of (g - m)^2 + eps; decoupled weight decay, not rectified.

    The method adds its own eps to the *squared* denominator, so it gets config.eps squared: 1e-8, which suits Adam,
    then means the authors' 1e-16. Taken as it is, 1e-8 would hold every denominator above 3e-3.

    Args:
        params: Parameters on one device.
        config: Config whose lr, betas, eps and weight_decay are read.

    Source: Zhuang et al. 2020, algorithm 2.
    """
    return AdaBelief(params, _lr(params, config), config.betas, config.eps**2, config.weight_decay)


def rmsprop(params: list[torch.nn.Parameter], config: TrainSettings) -> Optimizer:
    """v = decay v + (1 - decay) g^2, b = momentum b + g/(sqrt(v) + eps), theta -= lr b; weight_decay is an L2 penalty.

    betas = [momentum, decay]. Ho et al. 2020 (released code) offer [0.9, 0.95]; TensorFlow has eps inside the root,
    torch outside, and no bias is corrected. b is a sum, not a mean: steps are 1/(1 - momentum) times as long as those
    of Adam at the same lr.

    Args:
        params: Parameters on one device.
        config: Config whose lr, betas, eps and weight_decay are read.

    Source: Tieleman & Hinton 2012, as in torch.
    """
    return torch.optim.RMSprop(
        params,
        _lr(params, config),
        alpha=config.betas[1],
        eps=config.eps,
        weight_decay=config.weight_decay,
        momentum=config.betas[0],
        foreach=True,
        capturable=_cuda(params),
    )


OPTIMIZERS: Mapping[OptimizerName, Callable[[list[torch.nn.Parameter], TrainSettings], Optimizer]] = {
    "adam": adam,
    "adamw": adamw,
    "radam": radam,
    "adabelief": adabelief,
    "rmsprop": rmsprop,
}


def build_optimizer(config: TrainSettings, params: Params) -> Optimizer:
    """The optimizer of a config over all of `params`, which must share one device.

    Args:
        config: Config whose lr, betas, eps and weight_decay are read.
        params: Parameters on one device.
    """
    every = list(params)
    if isinstance(config.optimizer, OwnPart):
        return own_optimizer(config.optimizer, every, _lr(every, config), config)
    return OPTIMIZERS[config.optimizer](every, config)


def set_lr(optimizer: Optimizer, lr: Tensor) -> None:
    """Set lr, a scalar on the device, in place, where captured graphs and compiled steps read it.

    Args:
        optimizer: The optimizer.
        lr: Learning rate, float32 scalar on the device.
    """
    for group in optimizer.param_groups:
        group["lr"].copy_(lr)


def restart_optimizer(optimizer: Optimizer) -> None:
    """As before its first step, in place: all of these begin with every moment and count at 0."""
    for tensor in _state_tensors(optimizer):
        tensor.zero_()


def load_optimizer(optimizer: Optimizer, saved: Mapping[str, Any]) -> None:
    """Take over a `state_dict`, in place where there is state already: a captured step reads it where it is.

    Args:
        optimizer: The optimizer.
        saved: A `state_dict` of an optimizer of the same kind over the same parameters.
    """
    if not optimizer.state:
        optimizer.load_state_dict(dict(saved))
        return
    restart_optimizer(optimizer)
    params = [p for group in optimizer.param_groups for p in group["params"]]
    for number, values in saved["state"].items():
        tensors = optimizer.state[params[number]]
        for name, value in values.items():
            tensors[name].copy_(value)
    for group, values in zip(optimizer.param_groups, saved["param_groups"], strict=True):
        for name, value in values.items():
            if isinstance(value, Tensor):
                group[name].copy_(value)


def _state_tensors(optimizer: Optimizer) -> Iterator[Tensor]:
    for values in optimizer.state.values():
        yield from (value for value in values.values() if isinstance(value, Tensor))
    for group in optimizer.param_groups:
        yield from (value for value in group.values() if isinstance(value, Tensor))


def _lr(params: list[torch.nn.Parameter], config: TrainSettings) -> Tensor:
    return torch.tensor(config.lr, dtype=torch.float32, device=params[0].device)


def _cuda(params: list[torch.nn.Parameter]) -> bool:
    return params[0].is_cuda
