"""The check of a plugin: whether its parts do what the harness relies on, before anything is written."""

from __future__ import annotations

import torch
from torch import nn

from sweep.config.run import TrainConfig
from sweep.data.facts import DATASET_FACTS
from sweep.errors import SweepError, UsageError
from sweep.limits import MAX_PARAMETERS
from sweep.plugins.loading import load_source
from sweep.training.initial_net import build_net
from sweep.worker.messages import Checked
from sweep.worker.orders import CheckJob
from sweep.worker.preparation import dataset_of

BATCH = 2


def try_plugins(job: CheckJob) -> Checked:
    """Load plugins, and build and run every net of theirs that a study trains.

    Args:
        job: The sources, and the trainings.

    Raises:
        UsageError: A plugin cannot be loaded, or a net of it breaks the contract. The error names the net.
    """
    for source in job.sources:
        try:
            load_source(source)
        except SystemExit as error:
            raise UsageError(f"plugin {source.name}.py ends the program when it is imported") from error
        except Exception as error:
            raise UsageError(
                f"plugin {source.name}.py cannot be imported",
                why=f"{type(error).__name__}: {error}",
                next="Correct the file.",
            ) from error
    for config in job.configs:
        try:
            _check_net(config)
        except SweepError:
            raise
        except Exception as error:
            raise _broken(config, f"{type(error).__name__}: {error}") from error
    return Checked()


def _check_net(config: TrainConfig) -> None:
    channels, size = _image_shape(config)
    net = build_net(config, channels=channels, size=size, seed=config.seed)
    if (weights := sum(each.numel() for each in net.parameters())) > MAX_PARAMETERS:
        raise _broken(config, f"it has {weights:,} weights; {MAX_PARAMETERS:,} are the most")
    if not weights:
        raise _broken(config, "it has no weights, so there is nothing to train")
    if _differ(net, build_net(config, channels=channels, size=size, seed=config.seed)):
        raise _broken(config, "two nets of one seed begin with different weights: draw them with torch alone")
    if constants := sorted(net.state_dict().keys() - {name for name, _ in net.named_parameters()}):
        raise _broken(config, f"{constants[0]} is kept with the weights and is none: averages of weights run over it")
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(BATCH, channels, size, size, generator=draws)
    i = torch.tensor([0, config.T - 1])
    outputs = channels * (2 if config.learned_variance else 1)
    prediction = net(x, i)
    if not isinstance(prediction, torch.Tensor) or prediction.shape != (BATCH, outputs, size, size):
        returned = tuple(prediction.shape) if isinstance(prediction, torch.Tensor) else type(prediction).__name__
        raise _broken(config, f"forward returned {returned}; a tensor {(BATCH, outputs, size, size)} is expected")
    if not prediction.isfinite().all():
        raise _broken(config, "forward returned numbers that are not finite")
    trained = [each for each in net.parameters() if each.requires_grad]
    gradients = torch.autograd.grad(prediction.square().mean(), trained, allow_unused=True)
    if any(gradient is None or not gradient.isfinite().all() for gradient in gradients):
        raise _broken(config, "its gradients are missing or not finite")
    net.eval()
    with torch.inference_mode():
        if not torch.equal(net(x, i), net(x, i)):
            raise _broken(config, "in eval mode, forward returns other numbers for the same images")


def _differ(net: nn.Module, again: nn.Module) -> bool:
    return any(not torch.equal(value, again.state_dict()[name]) for name, value in net.state_dict().items())


def _image_shape(config: TrainConfig) -> tuple[int, int]:
    facts = DATASET_FACTS.get(config.data.name)
    if facts is not None:
        return facts.channels, facts.size
    dataset = dataset_of(config.data)
    return dataset.channels, dataset.size


def _broken(config: TrainConfig, problem: str) -> UsageError:
    net = config.net
    name = net.part if net.kind == "own" else net.kind
    return UsageError(
        f"net `{name}` of a plugin cannot be used",
        why=problem,
        next="Correct the plugin; sweep docs plugins says what holds.",
    )
