"""A trained net, as an evaluation asks for it."""

from __future__ import annotations

import torch
from torch import nn

from sweep.config.earlier_weights import step_at
from sweep.config.run import EvalConfig, TrainConfig
from sweep.diffusion.process import Diffusion
from sweep.errors import UnreadableCheckpoint, UnreadableWeights
from sweep.files.file_store import FileStore
from sweep.nets.memory_format import laid_out
from sweep.store.records import ArtifactRecord
from sweep.training import checkpoint
from sweep.training.earlier_weights import load_earlier_weights
from sweep.training.initial_net import build_net
from sweep.training.moving_averages import Weights
from sweep.training.noise_tables import betas_of
from sweep.training.snapshot_files import load_power_weights, load_snapshot


def trained_net(
    train: TrainConfig,
    weights: Weights,
    *,
    channels: int,
    size: int,
    classes: int = 0,
    device: torch.device | str = "cpu",
) -> nn.Module:
    """The net of a training with its weights, in the memory format of its kind.

    Args:
        train: The training that made the weights.
        weights: One set of weights of it.
        channels: Channels of the images.
        size: Height and width of the images, pixels.
        classes: Number of classes of the images; read where the net is conditional.
        device: Device to use.
    """
    net = build_net(train, channels=channels, size=size, classes=classes).to(device)
    net.load_state_dict(weights)
    return laid_out(net, train.net.kind)


def read_weights(
    train: TrainConfig,
    evaluation: EvalConfig,
    weights: ArtifactRecord,
    files: FileStore,
    device: torch.device | str = "cpu",
) -> Weights:
    """The average of a run's weights that an evaluation asks for.

    Args:
        train: The training that made the weights.
        evaluation: The evaluation.
        weights: File of the weights.
        files: File store of the weights.
        device: Device that the tensors are read to.

    Raises:
        UnreadableWeights: Their file is missing, incomplete or altered.
        CheckpointError: The training did not track this average.
    """
    try:
        path = files.fetch(weights.path, weights.sha256)
        if evaluation.ema_std is not None:
            step = step_at(evaluation.training_share, train.steps)
            return load_power_weights(path, weights.sha256, std=evaluation.ema_std, step=step, device=device)
        decay, start = evaluation.ema_decay, evaluation.ema_start
        if evaluation.training_share < 1.0:
            wanted = (evaluation.training_share, start if decay else "corrected", decay)
            return load_earlier_weights(path, weights.sha256, wanted, device=device)
        return checkpoint.load_weights(path, weights.sha256, decay=decay, start=start, device=device)
    except UnreadableCheckpoint as error:
        raise UnreadableWeights(error.what, why=error.why) from error


def read_weaker_weights(
    train: TrainConfig,
    evaluation: EvalConfig,
    weights: ArtifactRecord,
    files: FileStore,
    device: torch.device | str = "cpu",
) -> Weights | None:
    """The weights of the earlier checkpoint that autoguidance is guided away from; None where nothing is.

    Args:
        train: The training that made the weights.
        evaluation: The evaluation.
        weights: File of the weights.
        files: File store of the weights.
        device: Device that the tensors are read to.

    Raises:
        UnreadableWeights: Their file is missing, incomplete or altered.
        CheckpointError: The training has kept no snapshot that early.
    """
    if evaluation.guidance_kind != "autoguidance" or evaluation.guidance_scale == 1.0:
        return None
    try:
        path = files.fetch(weights.path, weights.sha256)
        return load_snapshot(path, weights.sha256, until=evaluation.weaker_step(train.steps), device=device)
    except UnreadableCheckpoint as error:
        raise UnreadableWeights(error.what, why=error.why) from error


def diffusion_of(train: TrainConfig, device: torch.device | str = "cpu") -> Diffusion:
    """Tables of the chain that a net was trained on.

    Args:
        train: The training.
        device: Device to use.
    """
    return Diffusion.from_betas(betas_of(train), device)
