"""How a worker works. Nothing here changes a number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sweep.files.file_store import FileStore

StartMethod = Literal["spawn", "fork"]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds: how soon a fault is noticed, and how long to wait after one.

    Attributes:
        lease: Work of a worker that was not heard of for so long goes to another.
        heartbeat: Between signs of life; several fit into a lease.
        idle: About how long to wait before asking for work again, where many workers do; up to five times as long while
            there is none.
        stall: A trial process that is silent for longer hangs: longer than any step, compilation or classifier.
        retry: Before work that a machine failed at is tried again.
        disk: Before work that found the disk full is tried again.
    """

    lease: float = 120.0
    heartbeat: float = 20.0
    idle: float = 2.0
    stall: float = 1800.0
    retry: float = 10.0
    disk: float = 300.0


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """How a worker works.

    Attributes:
        device: `cpu`, `cuda` or `cuda:0`.
        threads: CPU threads of the trial process.
        files: Where checkpoints, features and grids lie.
        time_limit: Seconds until the worker saves and leaves by itself, as when preempted.
        start_method: `fork` starts a trial process in milliseconds where torch is loaded already; never with CUDA.
    """

    device: str
    threads: int
    files: FileStore
    timing: Timing = field(default_factory=Timing)
    time_limit: float | None = None
    start_method: StartMethod = "spawn"
