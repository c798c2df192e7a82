"""`sweep worker`: join a study from any machine."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from typing import Annotated

import typer

from sweep.cli.options import DEFAULT_FILES, DEFAULT_STORAGE, Device, Files, Storage
from sweep.limits import MAX_THREADS

BEATS_A_LEASE = 6
_INPUT = 0


def worker(
    study: Annotated[str, typer.Option("--study", help="Name of the study to work on.")],
    storage: Storage = DEFAULT_STORAGE,
    files: Files = DEFAULT_FILES,
    device: Device = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, max=MAX_THREADS, help="CPU threads; all cores by default.")
    ] = None,
    time_limit: Annotated[
        str | None, typer.Option("--time-limit", help="Save and exit with code 75 after this time, e.g. 23h30m.")
    ] = None,
    lease_seconds: Annotated[
        float, typer.Option("--lease-seconds", min=1.0, help="Silence after which others take over this worker's run.")
    ] = 120.0,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
) -> None:
    """Train and score runs of a study until nothing is left.

    Any number of workers share a study. They need to reach only its database and its files, not each other.

    \b
    Examples: SWEEP_STORAGE=postgresql://host/sweep sweep worker --study fashion --device cuda:0
              sweep worker --study fashion --time-limit 23h30m

    Exit codes: 0 nothing left to do, 3 the budget is spent, 75 preempted with everything saved (start it again),
    130 Ctrl-C.
    """
    from sweep.config.durations import seconds_of
    from sweep.config.names import require_name
    from sweep.executors.local import slots
    from sweep.files.file_store import file_store_at
    from sweep.store.opening import open_existing
    from sweep.store.studies.studies import study as find
    from sweep.worker.options import Timing, WorkerOptions
    from sweep.worker.worker import Worker

    if with_parent:
        _leave_with_parent()
    place = slots(device, 1, work=1)[0]
    file_store = file_store_at(files)
    file_store.require_access()
    options = WorkerOptions(
        device=place.device,
        threads=threads or place.threads,
        files=file_store,
        timing=Timing(lease=lease_seconds, heartbeat=lease_seconds / BEATS_A_LEASE),
        time_limit=seconds_of(time_limit) if time_limit is not None else None,
    )
    store = open_existing(storage)
    raise typer.Exit(Worker(store, find(store, require_name(study)), options).work())


def _leave_with_parent() -> None:
    """Save and leave when the launcher is gone, so that the same command finds no strangers at work.

    The launcher holds the other end of this process's input, into which nothing is written. It closes however early
    and however hard the launcher ends.
    """
    # No terminal sends it to this process. The `nohup` of a launcher is no reason to miss it.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

    def wait() -> None:
        with suppress(OSError):
            while os.read(_INPUT, 1):
                pass
        os.kill(os.getpid(), signal.SIGHUP)

    threading.Thread(target=wait, daemon=True).start()
