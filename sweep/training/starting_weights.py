"""Weights from a file into the net that a training begins with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from sweep.errors import DataError
from sweep.nets.diffusers_unet import to_diffusers
from sweep.nets.layers import Downsample
from sweep.nets.unet import UNet


def load_starting_weights(net: nn.Module, file: Path) -> None:
    """Write the weights of a file into a net of the same shape.

    Args:
        net: The net; is changed.
        file: A .safetensors file, with our names, or for a U-Net with those of diffusers' UNet2DModel.

    Raises:
        DataError: The file cannot be read, or its weights are not those of such a net.
    """
    weights = _read(file)
    expected = net.state_dict()
    # state_dict and these share memory with the net.
    targets = [expected, *([to_diffusers(net, _levels(net))] if isinstance(net, UNet) else [])]
    fitting = next((target for target in targets if target.keys() == weights.keys()), None)
    if fitting is None:
        raise _misfit(file, _difference(expected, weights))
    for name, value in fitting.items():
        if value.shape != weights[name].shape:
            shapes = f"{name} has the shape {list(weights[name].shape)}, and {list(value.shape)} in this net"
            raise _misfit(file, shapes)
    with torch.no_grad():
        for name, value in fitting.items():
            value.copy_(weights[name])


def _levels(net: UNet) -> int:
    return 1 + sum(1 for layer in net.down if isinstance(layer, Downsample))


def _read(file: Path) -> Mapping[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise DataError(
            "init_from needs the package safetensors",
            why="It is not installed on this machine.",
            next="pip install 'ddpm-sweep[export]'",
        ) from error
    try:
        weights: Mapping[str, Tensor] = load_file(file)
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"{file} holds no weights", why=f"{error}.", next="Name a .safetensors file that is complete."
        ) from error
    return weights


def _difference(expected: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> str:
    missing, unknown = sorted(expected.keys() - weights.keys()), sorted(weights.keys() - expected.keys())
    parts = [f"{len(missing)} weights are missing, such as {missing[0]}"] if missing else []
    return "; ".join([*parts, *([f"{len(unknown)} are unknown, such as {unknown[0]}"] if unknown else [])])


def _misfit(file: Path, why: str) -> DataError:
    return DataError(
        f"the weights in {file} do not fit the net",
        why=f"{why}.",
        next="Give the baseline the net that they were trained with.",
    )
