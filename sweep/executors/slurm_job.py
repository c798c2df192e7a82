"""What runs inside a Slurm job: one worker, and the requeue that a job must request before it ends.

Slurm does not queue a job again that ends by itself, whatever its exit code, even while the job is being preempted. So
the job requests to be requeued once its worker has saved. It does so only in state RUNNING: a job that is being
cancelled would return, and one that is being requeued returns anyway.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from types import FrameType

from sweep.console_log import log_to_console
from sweep.errors import ExitCode, SweepError
from sweep.executors.supervised import SupervisedWorker

logger = logging.getLogger(__name__)

# Exit codes of a worker that is not to be started again: done, budget spent.
_FINAL = (0, 3)
_POLL_SECONDS = 0.2


def run_slurm_job(arguments: Sequence[str]) -> int:
    """Entry point of a job: supervise one worker. When it is preempted, have the job queued again.

    Args:
        arguments: Arguments of `sweep worker`.

    Returns:
        The exit code of a worker that is not to be started again: 0 or 3.

    Raises:
        SystemExit: The worker was preempted and has saved.
        SweepError: The worker failed.
    """
    log_to_console()
    worker = SupervisedWorker(arguments, os.environ)

    def handle(number: int, _frame: FrameType | None) -> None:
        logger.info("%s: saving the work under way", signal.Signals(number).name)
        worker.signal(signal.SIGTERM)

    # submitit's own handlers would end this process at once, or ignore SIGTERM.
    for kind in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
        signal.signal(kind, handle)
    worker.start()
    while (code := worker.poll()) is None:
        time.sleep(_POLL_SECONDS)
    worker.join()
    if code in _FINAL:
        return code
    if code == ExitCode.PREEMPTED:
        requeue()
        raise SystemExit(ExitCode.PREEMPTED)
    raise SweepError(f"the worker ended with exit code {code}", why="Its last lines are above.")


def requeue() -> bool:
    """Have this job queued again if it is in state RUNNING.

    Returns:
        Whether it was requested.
    """
    job = _job_id()
    state = _slurm("squeue", "-h", "-j", job, "-o", "%T").strip()
    if state != "RUNNING":
        logger.info("job %s is in state %s: no requeue requested", job, state or "unknown")
        return False
    answer = _slurm("scontrol", "requeue", job).strip()
    logger.info("job %s is requeued%s", job, f" {answer}" if answer else "")
    return True


def _job_id() -> str:
    """Id of this job. SLURM_JOB_ID would not do: that of the last task of an array is the id of the whole array."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ["SLURM_JOB_ID"]


def _slurm(*command: str) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"({error})"
    return result.stdout + (f"({result.stderr.strip()})" if result.returncode else "")
