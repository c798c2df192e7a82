"""Settings of a worker. None of them changes a number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sweep.files.file_store import FileStore

StartMethod = Literal["spawn", "fork"]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How soon a fault is noticed, and how long to wait after one; all in seconds.

    Attributes:
        lease: How long a claim is valid without a heartbeat. Afterwards another worker may take the work over.
        heartbeat: Time between two renewals of a lease; several fit into a lease.
        idle: Time between two queries for work, where many workers wait; up to five times as long while there is none.
        stall: A trial process that sends no message for this time counts as hung. It is longer than any step, any
            compilation, and any part of the classifier's training.
        retry: Time before work is tried again after a fault of a machine.
        disk: Time before work is tried again after the disk was full.
    """

    lease: float = 120.0
    heartbeat: float = 20.0
    idle: float = 2.0
    stall: float = 1800.0
    retry: float = 10.0
    disk: float = 300.0


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """Settings of one worker.

    Attributes:
        device: Device of the trial process: `cpu`, `cuda` or `cuda:0`.
        threads: CPU threads of the trial process.
        files: File store of checkpoints, features and grids.
        timing: How soon faults are noticed.
        time_limit: Seconds after which the worker saves and exits as if it were preempted; None for no limit.
        start_method: How the trial process is made. `fork` takes milliseconds where torch is loaded already, and does
            not work with CUDA.
    """

    device: str
    threads: int
    files: FileStore
    timing: Timing = field(default_factory=Timing)
    time_limit: float | None = None
    start_method: StartMethod = "spawn"
