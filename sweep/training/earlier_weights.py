"""Weights as they were on the way: kept when their step is done, and read from the file of a run's weights."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from sweep.config.earlier_weights import EarlierWeights, step_at
from sweep.config.run import TrainConfig
from sweep.config.values import shortest
from sweep.errors import CheckpointError
from sweep.training.checkpoint import load_state
from sweep.training.ema import ConstantEMA
from sweep.training.moving_averages import Weights

EarlierRow = tuple[float, str, float, Weights]
"""Share, start, decay, and the weights: what a checkpoint may hold."""


class EarlierAverages:
    """The averages that a config keeps as they were after a share of its training, in the memory of the CPU.

    Args:
        config: Config of the run, whose `earlier_weights` and length are read.
    """

    def __init__(self, config: TrainConfig) -> None:
        self._due: dict[int, list[EarlierWeights]] = {}
        for wanted in config.earlier_weights:
            self._due.setdefault(step_at(wanted[0], config.steps), []).append(wanted)
        self.averages: dict[EarlierWeights, Weights] = {}

    def keep(self, averages: ConstantEMA) -> None:
        """Copy what is due after the step that the averages have counted.

        Args:
            averages: Averages of the run's weights.
        """
        for share, start, decay in self._due.get(averages.steps, ()):
            weights = averages.weights(decay, start)
            self.averages[share, start, decay] = {name: tensor.cpu() for name, tensor in weights.items()}

    def rows(self) -> list[EarlierRow]:
        """What is kept so far, as tuples of numbers and tensors, which checkpoints may hold."""
        # Interned: pickle writes a name once for each object, and a resumed run has read its names from a file.
        return [
            (share, sys.intern(start), decay, {sys.intern(name): tensor for name, tensor in weights.items()})
            for (share, start, decay), weights in self.averages.items()
        ]

    def load_rows(self, rows: Iterable[Any]) -> None:
        """Continue from `rows` of another instance with the same config."""
        self.averages = {
            (share, start, decay): {name: tensor.cpu() for name, tensor in weights.items()}
            for share, start, decay, weights in rows
        }


def load_earlier_weights(
    path: Path, sha256: str, wanted: EarlierWeights, *, device: torch.device | str = "cpu"
) -> Weights:
    """One set of weights as it was after a share of the training.

    Args:
        path: Path of the file, which `checkpoint.save_weights` wrote.
        sha256: SHA-256 of the file's bytes, hexadecimal.
        wanted: One of the run's `earlier_weights`.
        device: Where the tensors go.

    Raises:
        CheckpointError: As for `checkpoint.load_state`, or the run did not keep these weights.
    """
    rows = load_state(path, sha256, device=device).get("earlier")
    stored = {(share, start, decay): weights for share, start, decay, weights in rows} if isinstance(rows, list) else {}
    if wanted not in stored:
        share, start, decay = wanted
        raise CheckpointError(
            f"{path.name} holds no weights after {shortest(share)} of the training (decay {shortest(decay)}, {start})",
            why="the training did not keep them" if not stored else f"it holds those after {_shares(stored)}",
            next="name the share in protocol.along, and the runs are trained again with it",
        )
    weights: Weights = stored[wanted]
    return weights


def _shares(stored: Iterable[EarlierWeights]) -> str:
    return ", ".join(sorted({shortest(share) for share, _, _ in stored}))
