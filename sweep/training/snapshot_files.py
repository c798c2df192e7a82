"""Weights that are made of the snapshots in a file of weights: averages of any width, and the net as it was earlier."""

from __future__ import annotations

from pathlib import Path

import torch

from sweep.errors import CheckpointError
from sweep.training.checkpoint import load_state
from sweep.training.moving_averages import Weights
from sweep.training.power_ema import Snapshot, from_plain, reconstruct


def load_power_weights(
    path: Path, sha256: str, *, std: float, step: int, device: torch.device | str = "cpu"
) -> Weights:
    """The power-function average of width `std` over the run so far, made now from the snapshots in the file.

    Args:
        path: Path of the file.
        sha256: SHA-256 of the file's bytes, hexadecimal.
        std: Width, as a share of the run so far.
        step: Optimizer step at which the average ends; later snapshots have no part in it.
        device: Where the tensors go.

    Raises:
        CheckpointError: As for `checkpoint.load_state`, or there are no snapshots in it.
        UsageError: The snapshots cannot represent this width.
    """
    raw, snapshots = _load_snapshots(path, sha256, device)
    early = [snapshot for snapshot in snapshots if snapshot.step <= step]
    return _as_net(raw, reconstruct(early, std, step=step))


def load_snapshot(path: Path, sha256: str, *, until: int, device: torch.device | str = "cpu") -> Weights:
    """The last snapshot of the narrowest power-function average up to a step: the net as it was earlier.

    Args:
        path: Path of the file.
        sha256: SHA-256 of the file's bytes, hexadecimal.
        until: Optimizer step that the snapshot is not later than.
        device: Where the tensors go.

    Raises:
        CheckpointError: As for `checkpoint.load_state`, or there is no such snapshot.
    """
    raw, snapshots = _load_snapshots(path, sha256, device)
    early = [snapshot for snapshot in snapshots if snapshot.step <= until]
    if not early:
        raise CheckpointError(
            f"{path.name} holds no snapshot of step {until} or earlier",
            why=f"its first is of step {min(snapshot.step for snapshot in snapshots)}",
            next="score a larger guidance_at, or train again with more power_ema_snapshots",
        )
    return _as_net(raw, max(early, key=lambda snapshot: (snapshot.step, -snapshot.std)).weights)


def _load_snapshots(path: Path, sha256: str, device: torch.device | str) -> tuple[Weights, list[Snapshot]]:
    products = load_state(path, sha256, device=device)
    weights, rows = products.get("weights"), products.get("snapshots")
    if not isinstance(weights, dict) or not isinstance(rows, list):
        raise CheckpointError(
            f"{path.name} holds no snapshots of power-function averages",
            why="the training did not keep any",
            next="train again with power_ema: [0.05, 0.1], or score an ema_decay",
        )
    raw: Weights = weights[0.0]
    return raw, from_plain(rows)


def _as_net(raw: Weights, averaged: Weights) -> Weights:
    # Counters, which no average has, are those of the net.
    return raw | {name: mean.to(raw[name].dtype) for name, mean in averaged.items()}
