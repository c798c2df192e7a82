"""What the parts of a training objective must do, tried on a CPU with the settings of an arm."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sweep.config.own_part import OwnPart
from sweep.config.run import Setting
from sweep.diffusion.linear_targets import TargetTable
from sweep.diffusion.process import Diffusion
from sweep.nets.mlp import MLP
from sweep.training.batch import Batch
from sweep.training.noise_tables import betas_of, target_table_of
from sweep.training.objective import Objective
from sweep.training.own_parts import own_loss_term
from sweep.training.seeding import dropout_stream
from sweep.worker.broken_part import Broken, Guarantee

BATCH = 2


def target_contract(_part: OwnPart, setting: Setting) -> None:
    """Two coefficients for each t that are finite, and the same at each call.

    That x_0 follows from a prediction at every t is checked with the schedule of each arm.

    Args:
        setting: An arm that uses the target.

    Raises:
        Broken: The coefficients differ between two calls.
        InfeasibleConfig: They are something else; the message says what.
    """
    betas = betas_of(setting)
    first, second = target_table_of(setting, betas), target_table_of(setting, betas)
    assert isinstance(first, TargetTable)
    assert isinstance(second, TargetTable)
    if not (np.array_equal(first.on_x0, second.on_x0) and np.array_equal(first.on_noise, second.on_noise)):
        raise Broken("it returns other coefficients at each call", Guarantee.REPEATABLE)


def loss_contract(part: OwnPart, _setting: Setting) -> None:
    """A finite loss of each image with finite gradients, also where prediction and target agree.

    Args:
        part: The loss.

    Raises:
        Broken: One of these does not hold.
    """
    draws = torch.Generator().manual_seed(0)
    target = torch.randn(BATCH, 1, 4, 4, generator=draws)
    for prediction in (torch.randn(BATCH, 1, 4, 4, generator=draws), target.clone()):
        prediction.requires_grad_()
        loss = part("loss", {"prediction": prediction, "target": target})
        _check_losses(loss)
        (gradient,) = torch.autograd.grad(loss.mean(), prediction)
        if not gradient.isfinite().all():
            at = ", where prediction and target agree" if torch.equal(prediction, target) else ""
            raise Broken(f"its gradients are not finite{at}")
        if not torch.equal(loss, part("loss", {"prediction": prediction, "target": target})):
            raise Broken("it returns another loss at each call", Guarantee.REPEATABLE)


def loss_term_contract(part: OwnPart, setting: Setting) -> None:
    """A finite number of each image with finite gradients towards the prediction, the same at each call.

    Args:
        part: The term.
        setting: An arm that uses it.

    Raises:
        Broken: One of these does not hold.
    """
    diffusion, batch = Diffusion.from_betas(betas_of(setting)), _batch(setting.T)
    x_t = diffusion.q_sample(batch.x0, batch.i, batch.noise)

    def term() -> tuple[Tensor, Tensor]:
        prediction = batch.noise.clone().requires_grad_()
        value = own_loss_term(part, prediction, prediction + 0.1 * x_t, x_t, batch, diffusion)
        _check_losses(value)
        return value, prediction

    value, prediction = term()
    if value.grad_fn is None:
        raise Broken("it depends on no prediction, so it has no gradient and trains nothing")
    (gradient,) = torch.autograd.grad(value.mean(), prediction)
    if not gradient.isfinite().all():
        raise Broken("its gradients are not finite")
    if not torch.equal(value, term()[0]):
        raise Broken("it returns another number at each call", Guarantee.REPEATABLE)


def objective_contract(_part: OwnPart, setting: Setting) -> None:
    """A finite loss of each image with finite gradients towards the weights, the same for the same seed.

    Args:
        setting: An arm that uses the objective. It is tried with a small perceptron.

    Raises:
        Broken: One of these does not hold.
    """
    objective, batch = Objective.of(setting, torch.device("cpu")), _batch(setting.T)
    outputs = 2 if setting.learned_variance else 1
    net = MLP(image_channels=1, image_size=4, width=16, depth=1, out_channels=outputs)
    x_t = objective.diffusion.q_sample(batch.x0, batch.i, batch.noise)

    def loss() -> Tensor:
        with dropout_stream(0, 1, torch.device("cpu")):
            value = objective.cost_of_batch(net, x_t, batch).loss
        _check_losses(value)
        return value

    first = loss()
    if first.grad_fn is None:
        raise Broken("its loss does not depend on the net, so it trains nothing")
    gradients = torch.autograd.grad(first.mean(), list(net.parameters()), allow_unused=True)
    if any(gradient is not None and not gradient.isfinite().all() for gradient in gradients):
        raise Broken("its gradients are not finite")
    if not torch.equal(first, loss()):
        raise Broken(
            "it returns another loss for the same seed: draw random numbers with torch alone", Guarantee.REPEATABLE
        )


def _batch(T: int) -> Batch:
    draws = torch.Generator().manual_seed(0)
    x0, noise = (torch.randn(BATCH, 1, 4, 4, generator=draws) for _ in range(2))
    return Batch(x0.clamp(-1, 1), torch.tensor([0, T - 1]), noise)


def _check_losses(loss: object) -> None:
    """A finite tensor [B, ...]."""
    if not isinstance(loss, Tensor) or loss.ndim == 0 or len(loss) != BATCH:
        returned = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise Broken(f"it returned {returned}; a tensor [{BATCH}, ...] is expected, for each image its own loss")
    if not loss.isfinite().all():
        raise Broken("it returned numbers that are not finite")
