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
# The start time of a process whose start time could not be read.
_UNKNOWN_START = 0.0


def this_worker(device: str, environment: dict[str, object]) -> WorkerRecord:
    """A record of this process under a new id.

    Args:
        device: Device on which its trial process computes.
        environment: Hardware and versions of the machine (`machine.environment`).
    """
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
    """Name of this machine, at most 128 characters."""
    return socket.gethostname()[:128]


def boot_id() -> str:
    """Identifier of this boot and process namespace: process ids are comparable only where it is equal.

    It changes when the machine restarts, and differs between containers.

    Returns:
        The identifier; `unknown` where the system has none.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return UNKNOWN_BOOT


def is_alive(pid: int, pid_started: float) -> bool:
    """Whether the process with this id and start time still runs, as far as the system shows it.

    A process about which nothing can be learned counts as alive: its lease ends by itself, while a living worker that
    was called dead would lose its work.

    Args:
        pid: Process id on this machine, under the same `boot_id`.
        pid_started: Start time of the process in clock ticks since boot; 0 where it could not be read.
    """
    stat = _stat(pid)
    if stat is not None:
        return not stat.is_zombie and pid_started in (stat.started, _UNKNOWN_START)
    try:
        os.kill(pid, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except (OSError, OverflowError, TypeError):
        return True
    return True


def started(pid: int) -> float | None:
    """Start time of a process in clock ticks since boot.

    Args:
        pid: Process id.

    Returns:
        The time; None where there is no such process, it is a zombie, or the system hides it.
    """
    stat = _stat(pid)
    return None if stat is None or stat.is_zombie else stat.started


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
