"""What an optimizer of a plugin must do, tried on a few parameters."""

from __future__ import annotations

import torch
from torch import nn

from sweep.config.own_part import OwnPart
from sweep.config.run import Setting, TrainConfig
from sweep.training.optimizers import build_optimizer, load_optimizer, set_lr
from sweep.worker.broken_part import Broken, Guarantee
from sweep.worker.checkpoint_round_trip import through_checkpoint

STEPS = 8
"""Before and after it is resumed."""


def optimizer_contract(_part: OwnPart, setting: Setting) -> None:
    """An optimizer over all parameters that obeys the tensor of the learning rate and resumes from its state.

    Args:
        setting: An arm that uses the optimizer.

    Raises:
        Broken: One of these does not hold.
    """
    config = setting.train_config(seed=0, ema_decays=())
    params, optimizer = _few_parameters(config)
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise Broken(f"it returned {type(optimizer).__name__}; a torch.optim.Optimizer is expected")
    if {id(each) for group in optimizer.param_groups for each in group["params"]} != {id(each) for each in params}:
        raise Broken("it does not hold all parameters that it was given")
    if not all(isinstance(group["lr"], torch.Tensor) for group in optimizer.param_groups):
        raise Broken("its groups do not keep the tensor of the learning rate, which the harness sets at each step")
    initial = [each.detach().clone() for each in params]
    _step(params, optimizer, 0, lr=0.0)
    if not all(map(torch.equal, params, initial)):
        raise Broken("it moves weights at learning rate 0: it does not read the tensor")
    for step in range(1, STEPS):
        _step(params, optimizer, step, lr=1e-3)
    if any(not each.isfinite().all() or torch.equal(each, first) for each, first in zip(params, initial, strict=True)):
        raise Broken("after a few steps a weight has not moved, or is not finite")
    again, resumed = _few_parameters(config)
    for copy, each in zip(again, params, strict=True):
        copy.data.copy_(each)
    load_optimizer(resumed, through_checkpoint(optimizer.state_dict()))
    for step in range(STEPS, 2 * STEPS):
        _step(params, optimizer, step, lr=1e-3)
        _step(again, resumed, step, lr=1e-3)
    if not all(map(torch.equal, params, again)):
        raise Broken(
            "resumed from its state_dict, it makes another step: a killed run would end elsewhere", Guarantee.RESUMABLE
        )


def _few_parameters(config: TrainConfig) -> tuple[list[nn.Parameter], torch.optim.Optimizer]:
    draws = torch.Generator().manual_seed(0)
    params = [nn.Parameter(torch.randn(shape, generator=draws)) for shape in ((16, 16), (16,))]
    return params, build_optimizer(config, params)


def _step(params: list[nn.Parameter], optimizer: torch.optim.Optimizer, step: int, *, lr: float) -> None:
    draws = torch.Generator().manual_seed(step)
    for each in params:
        each.grad = torch.randn(each.shape, generator=draws)
    set_lr(optimizer, torch.tensor(lr))
    optimizer.step()
