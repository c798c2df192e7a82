"""Who a worker is: host, boot, process; and whether another worker of this machine still lives."""

from __future__ import annotations

import os
import socket
import uuid
from pathlib import Path

from sweep.store.records import WorkerRecord

_PROC = Path("/proc")


def this_worker(device: str, environment: dict[str, object]) -> WorkerRecord:
    """A record of this process under a fresh id."""
    pid = os.getpid()
    return WorkerRecord(
        id=str(uuid.uuid4()),
        host=host(),
        boot_id=boot_id(),
        pid=pid,
        pid_started=started(pid) or 0.0,
        device=device,
        environment=environment,
    )


def host() -> str:
    """Name of this machine."""
    return socket.gethostname()[:128]


def boot_id() -> str:
    """Changes when the machine restarts, and from container to container: process ids mean nothing across either."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return "unknown"


def is_alive(pid: int, pid_started: float) -> bool:
    """Whether the process that had this id and start time still runs."""
    return started(pid) == pid_started


def started(pid: int) -> float | None:
    """Start time of a process in clock ticks since boot; None when there is none or it is a zombie."""
    try:
        # The name in parentheses may hold spaces; the fields after it do not.
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else float(fields[19])
