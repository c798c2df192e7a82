"""Who a worker is: host, boot, process; and whether another worker of this machine still lives."""

from __future__ import annotations

import os
import socket
import uuid
from pathlib import Path
from typing import NamedTuple

from sweep.store.queue.workers import UNKNOWN_BOOT
from sweep.store.records import WorkerRecord

_PROC = Path("/proc")
# Of a process whose start time could not be read.
_UNKNOWN_START = 0.0


def this_worker(device: str, environment: dict[str, object]) -> WorkerRecord:
    """A record of this process under a fresh id."""
    pid = os.getpid()
    return WorkerRecord(
        id=str(uuid.uuid4()),
        host=host(),
        boot_id=boot_id(),
        pid=pid,
        pid_started=started(pid) or _UNKNOWN_START,
        device=device,
        environment=environment,
    )


def host() -> str:
    """Name of this machine."""
    return socket.gethostname()[:128]


def boot_id() -> str:
    """Changes when the machine restarts, and from container to container: process ids mean nothing across either.

    `unknown` where the system does not tell.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return UNKNOWN_BOOT


def is_alive(pid: int, pid_started: float) -> bool:
    """Whether the process that had this id and start time still runs, as far as can be told.

    A process about which nothing can be learned counts as alive: its lease runs out by itself, while a living worker
    that was called dead would lose its work.
    """
    found = _stat(pid)
    if found is not None:
        return not found.is_zombie and pid_started in (found.started, _UNKNOWN_START)
    try:
        os.kill(pid, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except (OSError, OverflowError, TypeError):
        return True
    return True


def started(pid: int) -> float | None:
    """Start time of a process in clock ticks since boot; None when there is none, it is a zombie, or it is hidden."""
    found = _stat(pid)
    return None if found is None or found.is_zombie else found.started


class _Stat(NamedTuple):
    is_zombie: bool
    started: float


def _stat(pid: int) -> _Stat | None:
    try:
        # The name in parentheses may hold spaces; the fields after it do not.
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        return _Stat(fields[0] in "ZX", float(fields[19]))
    except (OSError, IndexError, ValueError):
        return None
