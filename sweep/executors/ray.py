"""Workers on a Ray cluster: a task for each GPU, which Ray starts again on another node when its node dies."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import chdir, suppress
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sweep.console_log import log_to_console
from sweep.errors import ExitCode, UsageError
from sweep.executors.placement import Assignment, options_of, require_shared
from sweep.executors.supervised import SupervisedWorker, log_line

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
# Time for a task to save and exit; Ray would kill a task that does not end.
DRAIN_SECONDS = 60.0
LAST_LINES = 5
# Done, budget spent, preempted, Ctrl-C: their last lines are not shown.
_IN_ORDER = (ExitCode.OK, ExitCode.BUDGET_SPENT, ExitCode.PREEMPTED, ExitCode.INTERRUPTED)
# Ray's value for any number of retries.
FOR_EVER = -1


class RayOptions(BaseModel):
    """The options of this executor.

    Attributes:
        address: Address of the cluster: auto (the one that this machine belongs to), HOST:PORT, or ray://HOST:10001.
        gpus: GPUs for each worker; workers with a part of a GPU share it. 1 by default, and 0 on device `cpu`.
        cpus: CPU cores for each worker.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = "auto"
    gpus: float | None = Field(default=None, ge=0.0)
    cpus: int = Field(default=1, ge=1)


class RayWorkers:
    """One Ray task for each worker. The tasks end with the launching process.

    Args:
        assignment: The workers to start.

    Raises:
        UsageError: Ray is not installed, an option is wrong, or the store is a file of this machine.
    """

    detached = False
    monitor_hint = "ray list tasks"

    def __init__(self, assignment: Assignment) -> None:
        self._options = options_of(RayOptions, assignment.options)
        require_shared(assignment)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError:
            raise UsageError(
                "the package ray is not installed", next="pip install 'ddpm-sweep[ray]', then the same command."
            ) from None
        self._ray: Any = ray
        self._assignment = assignment
        self._tasks: list[Any] = []

    def start(self) -> None:
        """Start one task for each GPU of the cluster; without GPUs, one for each group of `cpus` cores.

        Raises:
            UsageError: There is no such cluster, or no worker fits into it.
        """
        self._connect()
        gpus = self._options.gpus
        if gpus is None:
            on_cpu = self._assignment.device == "cpu" or not self._ray.cluster_resources().get("GPU")
            gpus = 0.0 if on_cpu else 1.0
        count = self._assignment.workers or min(self._slots(gpus), max(self._assignment.work, 1))
        task = self._ray.remote(
            num_cpus=self._options.cpus,
            num_gpus=gpus,
            max_retries=FOR_EVER,
            retry_exceptions=False,
            name=f"sweep worker of {self._assignment.study}",
        )(run_ray_task)
        arguments = [*self._assignment.arguments(gpus=gpus), "--threads", str(self._options.cpus)]
        self._tasks = [task.remote(arguments, self._assignment.environment) for _ in range(count)]
        logger.info("%d tasks with %g GPUs and %d CPUs each", count, gpus, self._options.cpus)

    def _connect(self) -> None:
        try:
            # Ray's tasks import first from the working folder of the driver, where a user's `sweep.py` may be.
            with chdir("/"):
                self._ray.init(address=self._options.address, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, ValueError) as error:
            raise UsageError(
                f"there is no Ray cluster at {self._options.address}",
                why=str(error).strip().splitlines()[0],
                next="Start one (ray start --head), or give -o address=HOST:PORT.",
            ) from None

    def _slots(self, gpus: float) -> int:
        resources = self._ray.cluster_resources()
        by_cpu = resources.get("CPU", 0.0) // self._options.cpus
        slots = int(min(by_cpu, resources.get("GPU", 0.0) // gpus) if gpus else by_cpu)
        if slots < 1:
            raise UsageError(
                "no worker fits into the Ray cluster",
                why=f"It has {resources.get('GPU', 0):g} GPUs and {resources.get('CPU', 0):g} CPUs.",
                next="Ask for less with -o gpus= or -o cpus=, or for a fixed number of workers with -n.",
            )
        return slots

    @property
    def alive(self) -> int:
        """Number of tasks that run or wait for a node."""
        _, left = self._ray.wait(self._tasks, num_returns=len(self._tasks), timeout=0)
        return len(left)

    @property
    def exit_codes(self) -> list[int]:
        """Exit codes of the workers whose tasks have ended."""
        done, _ = self._ray.wait(self._tasks, num_returns=len(self._tasks), timeout=0)
        return [self._exit_code(task) for task in done]

    def _exit_code(self, task: Any) -> int:
        try:
            return int(self._ray.get(task).exit_code)
        except self._ray.exceptions.TaskCancelledError:
            return ExitCode.PREEMPTED
        except self._ray.exceptions.RayError as error:
            logger.info("a task failed: %s", str(error).strip().splitlines()[-1])
            return 1

    def drain(self) -> None:
        """Cancel the tasks. Ray raises KeyboardInterrupt in each, and its worker saves and exits."""
        for task in self._tasks:
            self._ray.cancel(task, force=False)

    def stop(self) -> None:
        """Kill the tasks and their workers."""
        for task in self._tasks:
            self._ray.cancel(task, force=True)

    def join(self) -> None:
        """Wait for the tasks, and log the last lines of the workers that failed."""
        done, _ = self._ray.wait(self._tasks, num_returns=len(self._tasks), timeout=DRAIN_SECONDS)
        for task in done:
            with suppress(self._ray.exceptions.RayError):  # logged with its exit code
                ended = self._ray.get(task)
                for line in ended.last_lines if ended.exit_code not in _IN_ORDER else ():
                    logger.info("%s", line)


@dataclass(frozen=True)
class Ended:
    """How the worker of a task ended. All of its lines are in Ray's log on that node.

    Attributes:
        exit_code: Exit code of the worker.
        last_lines: The last lines that it wrote to stderr.
    """

    exit_code: int
    last_lines: tuple[str, ...]


def run_ray_task(arguments: Sequence[str], environment: Mapping[str, str]) -> Ended:
    """The body of a task: supervise one worker until it is not started again.

    Args:
        arguments: Arguments of `sweep worker`.
        environment: Variables to add to the environment of the task, in which Ray names the task's GPUs.

    Returns:
        The exit code of the worker, and its last lines.
    """
    log_to_console()
    lines: deque[str] = deque(maxlen=LAST_LINES)

    def on_line(text: str) -> None:
        log_line(text)
        lines.append(text)

    worker = SupervisedWorker(arguments, os.environ | dict(environment), on_line)
    worker.start()
    try:
        code = _end_of(worker)
    except KeyboardInterrupt:  # how Ray cancels
        worker.signal(signal.SIGTERM)
        code = _end_of(worker)
        code = ExitCode.PREEMPTED if code == ExitCode.INTERRUPTED else code
    return Ended(code, tuple(lines))


def _end_of(worker: SupervisedWorker) -> int:
    while (code := worker.poll()) is None:
        time.sleep(_POLL_SECONDS)
    worker.join()
    return code
