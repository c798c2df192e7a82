"""A trained net, as an evaluation asks for it."""

from __future__ import annotations

import torch
from torch import nn

from sweep.config.run import EvalConfig, TrainConfig
from sweep.diffusion.process import Diffusion
from sweep.errors import UnreadableCheckpoint, UnreadableWeights
from sweep.files.file_store import FileStore
from sweep.nets.memory_format import laid_out
from sweep.store.records import ArtifactRecord
from sweep.training import checkpoint
from sweep.training.initial_net import build_net
from sweep.training.moving_averages import Weights
from sweep.training.noise_tables import betas_of


def trained_net(
    train: TrainConfig, weights: Weights, *, channels: int, size: int, device: torch.device | str = "cpu"
) -> nn.Module:
    """The net of a training with its weights, in the memory format of its kind.

    Args:
        train: The training that made the weights.
        weights: One set of weights of it.
        channels: Channels of the images.
        size: Height and width of the images, pixels.
        device: Device to use.
    """
    net = build_net(train, channels=channels, size=size).to(device)
    net.load_state_dict(weights)
    return laid_out(net, train.net.kind)


def read_weights(
    evaluation: EvalConfig, weights: ArtifactRecord, files: FileStore, device: torch.device | str = "cpu"
) -> Weights:
    """The average of a run's weights that an evaluation asks for.

    Args:
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
            return checkpoint.load_power_weights(path, weights.sha256, std=evaluation.ema_std, device=device)
        decay, start = evaluation.ema_decay, evaluation.ema_start
        return checkpoint.load_weights(path, weights.sha256, decay=decay, start=start, device=device)
    except UnreadableCheckpoint as error:
        raise UnreadableWeights(error.what, why=error.why) from error


def diffusion_of(train: TrainConfig, device: torch.device | str = "cpu") -> Diffusion:
    """Tables of the chain that a net was trained on.

    Args:
        train: The training.
        device: Device to use.
    """
    return Diffusion.from_betas(betas_of(train), device)
