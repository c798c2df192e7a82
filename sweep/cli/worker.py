"""`sweep worker`: join a study from any machine."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from typing import Annotated

import typer

from sweep import api
from sweep.api.locations import DEFAULT_FILES, DEFAULT_STORAGE
from sweep.cli.options import Device, Files, Storage, Trust
from sweep.limits import MAX_THREADS

_INPUT = 0


def worker_command(
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
    trust: Trust = False,
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
    if with_parent:
        _leave_with_parent()
    code = api.work.work(
        study,
        storage=storage,
        files=files,
        device=device,
        threads=threads,
        time_limit=time_limit,
        lease_seconds=lease_seconds,
        trust=trust,
    )
    raise typer.Exit(code)


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
