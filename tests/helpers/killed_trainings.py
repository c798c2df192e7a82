"""Trains in child processes that are killed at random moments, until one lives to the end. Run as a program.

    python -m tests.helpers.killed_trainings FOLDER KILLS SEED

Children are forked after the imports, so that a start costs milliseconds. A child is killed once it has made a few
points of its curve, plus a moment: inside a step, a report, or a write to disk. Prints JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import torch

from sweep.data.sources import load_dataset
from sweep.errors import UnreadableCheckpoint
from sweep.training.checkpoint import Checkpoint, CheckpointRef, read
from sweep.training.interfaces import Hooks, Progress, RunContext, TrainingCadence
from sweep.training.loop import train
from sweep.training.trainer import Training
from tests.helpers.tiny_training import tiny

CONFIG = tiny(steps=60)
DIGITS = load_dataset("digits")
CADENCE = TrainingCadence(reports=60, validations=6, checkpoint_seconds=0.03, sync_every_steps=7)


class Journal:
    """Lines of JSON, whole or absent; one write each."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, line: object) -> None:
        with self.path.open("ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")

    def read(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.path.read_bytes().splitlines()] if self.path.exists() else []

    def __len__(self) -> int:
        return self.path.read_bytes().count(b"\n") if self.path.exists() else 0


def attempt(folder: Path, token: int) -> None:
    """One attempt, from the last checkpoint that was recorded and can be read."""
    curve, refs = Journal(folder / "curve"), Journal(folder / "refs")
    known = [CheckpointRef(**(line | {"path": Path(str(line["path"]))})) for line in refs.read()]

    def report(progress: Progress) -> None:
        metrics = {name: value.hex() for name, value in progress.metrics.items() if name != "images_per_second"}
        curve.add({"step": progress.step, "metrics": metrics})

    def saved(ref: CheckpointRef) -> None:
        refs.add(asdict(ref) | {"path": str(ref.path)})

    hooks = Hooks(report=report, saved=saved)
    context = RunContext(folder=folder / "checkpoints", attempt=str(token))
    result = train(CONFIG, DIGITS, context, hooks=hooks, cadence=CADENCE, resume=_newest_readable(known))
    Journal(folder / "result").add({"sha256": result.weights.sha256, "token": token})


def _newest_readable(known: list[CheckpointRef]) -> Checkpoint | None:
    for ref in sorted(known, key=lambda ref: ref.step, reverse=True):
        with suppress(UnreadableCheckpoint):
            return read(ref)
    return None


def forked(work: Callable[[], None]) -> int:
    """Process id of a child that does `work` and ends."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def killed(folder: Path, token: int, points: int, moment: float) -> bool:
    """Whether the child of this attempt was killed before it ended."""
    curve = Journal(folder / "curve")
    goal = len(curve) + points
    child = forked(lambda: attempt(folder, token))
    while len(curve) < goal:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def main(folder: Path, kills: int, seed: int) -> None:
    torch.set_num_threads(1)
    # The first optimizer of a process imports torch.compile's compiler, for seconds: once, here.
    Training(CONFIG, DIGITS, RunContext(folder=folder, attempt="0"))
    draws = random.Random(seed)
    whole, parts = folder / "whole", folder / "parts"
    whole.mkdir(parents=True)
    parts.mkdir()
    os.waitpid(forked(lambda: attempt(whole, 1)), 0)
    died = sum(killed(parts, token, draws.randint(1, 4), draws.uniform(0, 0.02)) for token in range(1, kills + 1))
    os.waitpid(forked(lambda: attempt(parts, kills + 1)), 0)
    outcome = {
        name: {"curve": Journal(path / "curve").read(), "result": Journal(path / "result").read()}
        for name, path in (("whole", whole), ("parts", parts))
    }
    print(json.dumps(outcome | {"kills": died}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
