"""A worker of a study in this process."""

from __future__ import annotations

import os

from sweep.api.locations import files_location
from sweep.api.plugins import require_trust, source_hashes
from sweep.api.stored_study import stored_study
from sweep.config.durations import seconds_of
from sweep.executors.local import slots
from sweep.files.file_store import file_store_at
from sweep.store.stored_config import study_spec
from sweep.worker.options import Timing, WorkerOptions
from sweep.worker.worker import Worker

HEARTBEATS_PER_LEASE = 6


def work(
    name: str,
    *,
    storage: str | None = None,
    files: str | os.PathLike[str] | None = None,
    device: str = "auto",
    threads: int | None = None,
    time_limit: str | None = None,
    lease_seconds: float = 120.0,
    trust: bool = False,
) -> int:
    """Train and score runs of a study until nothing is left. Any number of workers share a study.

    Args:
        name: Name of the study.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.
        files: Folder or URL of the files of runs; None for SWEEP_FILES or `sweep-data`.
        device: `auto`, `cpu`, `cuda`, or one GPU such as `cuda:0`.
        threads: CPU threads; None for all cores.
        time_limit: Save and end after this time, such as `23h30m`; None for never.
        lease_seconds: Seconds of silence after which other workers take over this worker's run.
        trust: Whether you say that the plugins of the study may be run here.

    Returns:
        Exit code of the worker: 0 nothing is left, 3 the budget is spent, 75 or 130 it was asked to stop.

    Raises:
        UsageError: There is no such study or device.
        StoreError: There is no database, or it cannot be used.
        FileStoreError: The files cannot be reached.
    """
    slot = slots(device, 1, work=1)[0]
    file_store = file_store_at(files_location(files))
    file_store.require_access()
    options = WorkerOptions(
        device=slot.device,
        threads=threads or slot.threads,
        files=file_store,
        timing=Timing(lease=lease_seconds, heartbeat=lease_seconds / HEARTBEATS_PER_LEASE),
        time_limit=seconds_of(time_limit) if time_limit is not None else None,
    )
    with stored_study(name, storage, change=True) as (store, record):
        require_trust(source_hashes(study_spec(record.spec, of=record.name)), trust=trust)
        return Worker(store, record, options).work()
