"""What a part of each kind must do, tried on a CPU with the settings of an arm. One function a kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn

from sweep.config.own_part import OwnPart
from sweep.config.run import Setting, TrainConfig
from sweep.data.facts import DATASET_FACTS
from sweep.data.own import own_dataset
from sweep.limits import MAX_PARAMETERS
from sweep.scoring.own_extractor import OwnFeatures
from sweep.scoring.own_metrics import own_number
from sweep.training.initial_net import build_net
from sweep.training.noise_tables import betas_of, weights_of
from sweep.worker.broken_part import Broken, Guarantee
from sweep.worker.checkpoint_round_trip import through_checkpoint
from sweep.worker.objective_contracts import loss_contract, loss_term_contract, objective_contract, target_contract
from sweep.worker.optimizer_contract import optimizer_contract
from sweep.worker.preparation import dataset_of
from sweep.worker.sampling_contracts import sampler_contract, spacing_contract

BATCH = 2


def net_contract(_part: OwnPart, setting: Setting) -> None:
    """Weights that follow the seed, and a forward and backward pass that are finite, of the right shape and repeatable.

    Args:
        setting: An arm that uses the net.

    Raises:
        Broken: One of these does not hold.
    """
    config = setting.train_config(seed=0, ema_decays=())
    channels, size = _image_shape(config)
    classes = len(dataset_of(config.data).classes) if config.conditional else 0
    net, again = (build_net(config, channels=channels, size=size, classes=classes, seed=config.seed) for _ in range(2))
    _check_weights(net, again)
    x = torch.randn(BATCH, channels, size, size, generator=torch.Generator().manual_seed(0))
    i = torch.tensor([0, config.T - 1])
    outputs = channels * (2 if config.learned_variance else 1)
    inputs = (x, i, torch.tensor([0, classes])) if config.conditional else (x, i)
    prediction = net(*inputs)
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
        if not torch.equal(net(*inputs), net(*inputs)):
            raise Broken("in eval mode, forward returns other numbers for the same images", Guarantee.REPEATABLE)


def _check_weights(net: nn.Module, again: nn.Module) -> None:
    if (weights := sum(each.numel() for each in net.parameters())) > MAX_PARAMETERS:
        raise Broken(f"it has {weights:,} weights; {MAX_PARAMETERS:,} are the most")
    if not weights:
        raise Broken("it has no weights, so there is nothing to train")
    state, of_again = through_checkpoint(net.state_dict()), again.state_dict()
    tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    if any(not torch.equal(value, of_again[name]) for name, value in tensors.items()):
        raise Broken(
            "two nets of one seed begin with different weights: draw them with torch alone", Guarantee.REPEATABLE
        )
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
        raise Broken("it returns other betas at each call", Guarantee.REPEATABLE)


def weighting_contract(_part: OwnPart, setting: Setting) -> None:
    """Weights that are finite, not negative and the same at each call.

    Args:
        setting: An arm that uses the weighting.

    Raises:
        Broken: The weights differ between two calls.
        InfeasibleConfig: A weight is not finite or negative; the message names the first t where.
    """
    betas = betas_of(setting)
    if not np.array_equal(weights_of(setting, betas), weights_of(setting, betas)):
        raise Broken("it returns other weights at each call", Guarantee.REPEATABLE)


def lr_schedule_contract(part: OwnPart, _setting: Setting) -> None:
    """A factor that is a finite number, not negative, and the same at each call.

    Args:
        part: The schedule.

    Raises:
        Broken: One of these does not hold.
    """
    for progress in np.linspace(0, 1, 101)[:-1].tolist():
        factor = part("lr_schedule", {"progress": progress})
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 <= factor < math.inf:
            raise Broken(f"at progress {progress:g} it returned {factor!r}; a finite number >= 0 is expected")
        if factor != part("lr_schedule", {"progress": progress}):
            raise Broken("it returns another factor at each call", Guarantee.REPEATABLE)


def dataset_contract(part: OwnPart, _setting: Setting) -> None:
    """Images of the right type and shape, the same at each call.

    Args:
        part: The data set.

    Raises:
        Broken: The images differ between two calls.
        DataError: They are of another type or shape.
    """
    first, second = (own_dataset(part.part, part("dataset", {})) for _ in range(2))
    if first.content_sha256 != second.content_sha256:
        raise Broken("it returns other images at each call", Guarantee.REPEATABLE)


def feature_extractor_contract(part: OwnPart, setting: Setting) -> None:
    """Finite features of each image, the same at each call and in each batch.

    Args:
        part: The extractor.
        setting: An arm of a study whose protocol names it; its images are tried.

    Raises:
        Broken: The features differ between two calls, or depend on the other images.
        UsageError: They are something else; the message says what.
    """
    channels, size = _image_shape(setting.train_config(seed=0, ema_decays=()))
    draws = torch.Generator().manual_seed(0)
    images = torch.randint(256, (8, channels, size, size), generator=draws, dtype=torch.uint8)
    with torch.inference_mode():
        first, second = (OwnFeatures(part, part("feature_extractor", {})).eval()(images)[0] for _ in range(2))
        alone = OwnFeatures(part, part("feature_extractor", {})).eval()(images[:1])[0]
    if not torch.equal(first, second):
        raise Broken("it returns other features at each call", Guarantee.REPEATABLE)
    if not torch.allclose(first[:1], alone, rtol=1e-3, atol=1e-3 * float(first.abs().max())):
        raise Broken("the features of an image depend on the other images of its batch", Guarantee.REPEATABLE)


def metric_contract(part: OwnPart, setting: Setting) -> None:
    """A finite number, the same at each call, that changes no image.

    Args:
        part: The metric.
        setting: An arm that asks for it.

    Raises:
        Broken: The number differs between two calls.
        UsageError: It is no number.
        Diverged: It is not finite.
    """
    channels, size = _image_shape(setting.train_config(seed=0, ema_decays=()))
    draws = torch.Generator().manual_seed(0)
    images, real = (
        torch.randint(256, (count, channels, size, size), generator=draws, dtype=torch.uint8) for count in (16, 24)
    )
    if own_number(part, images, real) != own_number(part, images, real):
        raise Broken("it returns another number at each call", Guarantee.REPEATABLE)


def _image_shape(config: TrainConfig) -> tuple[int, int]:
    facts = DATASET_FACTS.get(config.data.name)
    if facts is not None:
        return facts.channels, facts.size
    dataset = dataset_of(config.data)
    return dataset.channels, dataset.size


CONTRACTS: Mapping[str, Callable[[OwnPart, Setting], None]] = {
    "net": net_contract,
    "dataset": dataset_contract,
    "metric": metric_contract,
    "feature_extractor": feature_extractor_contract,
    "sampler": sampler_contract,
    "spacing": spacing_contract,
    "schedule": schedule_contract,
    "weighting": weighting_contract,
    "target": target_contract,
    "loss": loss_contract,
    "loss_term": loss_term_contract,
    "objective": objective_contract,
    "optimizer": optimizer_contract,
    "lr_schedule": lr_schedule_contract,
}
"""Name of a kind -> what its parts must do."""
