"""Checkpoints that appear whole or not at all, and are read only if no byte has changed.

A file is named by its step and by the attempt that wrote it, so no attempt ever writes over another's file. Which one
counts is for the caller to record, with its hash.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from sweep.config.part_names import EmaStart
from sweep.config.values import shortest
from sweep.errors import CheckpointError, SweepError, UnreadableCheckpoint
from sweep.files.atomic import NO_ROOM, write_atomically
from sweep.files.hashes import sha256_of_bytes, sha256_of_file
from sweep.training.ema import AverageKey, ConstantEMA, average_key
from sweep.training.moving_averages import Weights
from sweep.training.power_ema import Snapshot, as_plain


@dataclass(frozen=True)
class CheckpointRef:
    """Where a checkpoint is and what it must be: record it, and hand it back to read the file.

    Attributes:
        path: Path of the file.
        sha256: SHA-256 of all its bytes, hexadecimal.
        step: Optimizer steps done.
        bytes: Size of the file.
    """

    path: Path
    sha256: str
    step: int
    bytes: int


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint that was read: its file may be damaged, or gone, at any later moment.

    Attributes:
        ref: Where the file is, and its hash.
        state: What was saved.
    """

    ref: CheckpointRef
    state: dict[str, object]


def save(state: Mapping[str, object], folder: Path, *, step: int, attempt: str) -> CheckpointRef:
    """Write a checkpoint durably.

    Args:
        state: Tensors, numbers, strings and containers of them.
        folder: Is made if missing.
        step: Optimizer steps done.
        attempt: Names this attempt; no other attempt at any training has the same name.

    Raises:
        SweepError: No room, or the folder cannot be written; nothing is left behind.
        CheckpointError: There is a file of this name with other bytes; it is left alone. One with equal bytes is taken.
    """
    return _write(state, folder / f"{step:010d}.{attempt}.pt", step)


def load_state(path: Path, sha256: str, *, device: torch.device | str = "cpu") -> dict[str, object]:
    """Read what `save` has written; nothing in the file is ever executed.

    Args:
        path: Path of the file.
        sha256: SHA-256 of the file's bytes, hexadecimal, as it was recorded.
        device: Device that the tensors are read to.

    Returns:
        What was saved.

    Raises:
        UnreadableCheckpoint: The file is missing, torn or altered.
        SweepError: It is another user's.
        CheckpointError: It holds anything but plain data.
    """
    advice = "an earlier checkpoint is used where there is one; otherwise the run starts again"
    try:
        content = path.read_bytes()
    except PermissionError as error:  # the file may be sound: nothing that others may read is given up
        raise SweepError(
            f"this user may not read the checkpoint {path.name}", why=str(error), next="sweep doctor says what to do"
        ) from error
    except OSError as error:
        raise UnreadableCheckpoint(f"cannot read the checkpoint {path.name}", why=str(error), next=advice) from error
    if sha256_of_bytes(content) != sha256:
        why = f"its {len(content)} bytes do not have the recorded hash"
        raise UnreadableCheckpoint(f"the checkpoint {path.name} is damaged", why=why, next=advice)
    try:
        state: dict[str, object] = torch.load(io.BytesIO(content), weights_only=True, map_location=device)
    # What torch raises on foreign bytes is not limited to one class.
    except Exception as error:
        raise CheckpointError(f"the checkpoint {path.name} is refused", why=str(error), next=advice) from error
    return state


def read(ref: CheckpointRef, *, device: torch.device | str = "cpu") -> Checkpoint:
    """A checkpoint with its content.

    Args:
        ref: Where the checkpoint is, and its hash.
        device: Device that the tensors are read to.

    Raises:
        CheckpointError: As for `load_state`.
    """
    return Checkpoint(ref, load_state(ref.path, ref.sha256, device=device))


def save_weights(
    averages: ConstantEMA,
    folder: Path,
    *,
    step: int,
    attempt: str,
    snapshots: Sequence[Snapshot] = (),
    earlier: Sequence[tuple[float, str, float, Weights]] = (),
) -> CheckpointRef:
    """Write the product of a training: raw weights, every tracked average, and those of earlier; no optimizer state.

    Args:
        averages: Averages of the run's weights.
        folder: Folder of the run's files; made if missing.
        step: Optimizer steps done.
        attempt: Name of this attempt; no other attempt at any training has the same.
        snapshots: Snapshots of power-function averages.
        earlier: Weights as they were on the way: share of the training, start and decay of the average, tensors.

    Returns:
        Where the file is, and its hash.

    Raises:
        SweepError: No room, or the folder cannot be written.
        CheckpointError: There is a file of this name with other bytes.
    """
    products: dict[str, object] = {"weights": averages.products()}
    if snapshots:
        products["snapshots"] = as_plain(snapshots)
    if earlier:
        products["earlier"] = list(earlier)
    return _write(products, folder / f"weights.{attempt}.pt", step)


def load_weights(
    path: Path, sha256: str, *, decay: float, start: EmaStart = "corrected", device: torch.device | str = "cpu"
) -> Weights:
    """One set of weights from a file of `save_weights`, for `net.load_state_dict`.

    Args:
        path: Path of the file.
        sha256: SHA-256 of the file's bytes, hexadecimal.
        decay: One that was tracked; 0 for the raw weights.
        start: With which it was tracked.
        device: Where the tensors go.

    Raises:
        CheckpointError: As for `load_state`, or this average was not tracked.
    """
    products = load_state(path, sha256, device=device).get("weights")
    key = average_key(start, decay)
    if not isinstance(products, dict) or key not in products:
        tracked = ", ".join(_named(key) for key in products) if isinstance(products, dict) else "none"
        raise CheckpointError(
            f"{path.name} holds no average of decay {_named(key)}",
            why=f"it holds the decays {tracked} (0 is the raw weights)",
            next="score one of these, or train again with the decay among ema_decays",
        )
    weights: Weights = products[key]
    return weights


def _named(key: AverageKey) -> str:
    return f"{shortest(key[1])} ({key[0]})" if isinstance(key, tuple) else shortest(key)


def _write(state: Mapping[str, object], path: Path, step: int) -> CheckpointRef:
    # Serialised in memory first: torch reports a full disk as an internal error, and the hash must be of what was
    # meant to be written, not of what arrived.
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    content = buffer.getbuffer()
    ref = CheckpointRef(path, sha256_of_bytes(content), step, len(content))
    if os.path.lexists(path):
        if path.is_file() and sha256_of_file(path) == ref.sha256:
            return ref
        raise CheckpointError(
            f"{path.name} is there already, with other bytes",
            why="A checkpoint is never written over: it may be of another store.",
            next=f"Type the same command again; if that does not help, look at {path.parent}.",
        )
    try:
        write_atomically(path, content)
    except OSError as error:
        full = error.errno in NO_ROOM
        raise SweepError(
            f"the checkpoint of step {step} could not be written" + (": no room" if full else ""),
            why=f"{error.strerror}: {len(content) / 1e6:.1f} MB to {path.parent}",
            next="free some space; the checkpoint before it is intact" if full else "make the folder writable",
        ) from error
    return ref
