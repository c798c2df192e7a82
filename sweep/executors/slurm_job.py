"""What runs inside a Slurm job: one worker, and the requeue that a job must ask for before it ends.

A job that ends by itself, with whatever exit code, is over for Slurm and not queued again, even while it is being
preempted. So once the worker has saved, the job asks to be requeued. It asks only while it is RUNNING: a job that is
being cancelled would come back, and one that is being requeued needs nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

from sweep.errors import SweepError
from sweep.executors.supervised import SupervisedWorker
from sweep.printable import printable
from sweep.worker.interrupt import PREEMPTED

# The worker said it all, and wants no other try.
_FINAL = (0, 3)
_POLL_SECONDS = 0.2


def keep_working(arguments: Sequence[str]) -> int:
    """Entry point of a job: keep one worker alive; when it is asked to leave, have the job queued again.

    Args:
        arguments: Of `sweep worker`.

    Returns:
        The worker's exit code, where that is the end: 0 or 3.

    Raises:
        SystemExit: preempted; the worker has saved.
        SweepError: the worker broke down.
    """
    worker = SupervisedWorker(arguments, os.environ, _say)

    def handle(number: int, _frame: FrameType | None) -> None:
        _say(f"{signal.Signals(number).name}: saving what is under way")
        worker.signal(signal.SIGTERM)

    # submitit's own would end this process at once, or pass a SIGTERM over.
    for kind in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
        signal.signal(kind, handle)
    worker.start()
    while (code := worker.poll()) is None:
        time.sleep(_POLL_SECONDS)
    worker.join()
    if code in _FINAL:
        return code
    if code == PREEMPTED:
        requeue()
        raise SystemExit(PREEMPTED)
    raise SweepError(f"the worker ended with exit code {code}", why="Its last lines are above.")


def requeue() -> bool:
    """Have this job queued again if it is RUNNING; whether it was asked for."""
    job = _job_id()
    state = _slurm("squeue", "-h", "-j", job, "-o", "%T").strip()
    if state != "RUNNING":
        _say(f"job {job} is {state or 'gone'}: no requeue asked for")
        return False
    _say(f"job {job} is requeued {_slurm('scontrol', 'requeue', job)}".rstrip())
    return True


def _job_id() -> str:
    """Of this job alone: the number of an array's last task is that of the whole array."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ["SLURM_JOB_ID"]


def _slurm(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"({error})"
    return done.stdout + (f"({done.stderr.strip()})" if done.returncode else "")


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)
