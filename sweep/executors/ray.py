"""Workers on a Ray cluster: a task a GPU, which Ray starts again elsewhere when its node dies."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import chdir, suppress
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sweep.errors import UsageError
from sweep.executors.placement import Assignment, options_of, require_shared
from sweep.executors.supervised import Say, SupervisedWorker
from sweep.printable import printable
from sweep.worker.interrupt import CTRL_C, PREEMPTED

_POLL_SECONDS = 0.2
# Asked to save and leave; Ray would kill a task that does not end.
DRAIN_SECONDS = 60.0
LAST_LINES = 5
# Done, out of budget, preempted, Ctrl-C: nothing to explain.
_IN_ORDER = (0, 3, PREEMPTED, CTRL_C)
# Ray's word for as often as nodes die.
FOR_EVER = -1


class RayOptions(BaseModel):
    """What `--option` may say.

    Attributes:
        address: Of the cluster: auto (the one that this machine belongs to), HOST:PORT, or ray://HOST:10001.
        gpus: A worker; parts of one share it. 1 unless the device is `cpu`.
        cpus: A worker.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = "auto"
    gpus: float | None = Field(default=None, ge=0.0)
    cpus: int = Field(default=1, ge=1)


class RayWorkers:
    """One task a worker. They belong to this launcher and end with it."""

    detached = False
    monitor_hint = "ray list tasks"

    def __init__(self, assignment: Assignment, say: Say) -> None:
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
        self._say = say
        self._tasks: list[Any] = []

    def start(self) -> None:
        """One task a GPU of the cluster, or a task a slot of CPUs where there is none.

        Raises:
            UsageError: there is no such cluster, or it has no such places.
        """
        self._connect()
        gpus = self._options.gpus
        if gpus is None:
            on_cpu = self._assignment.device == "cpu" or not self._ray.cluster_resources().get("GPU")
            gpus = 0.0 if on_cpu else 1.0
        count = self._assignment.workers or min(self._places(gpus), max(self._assignment.work, 1))
        task = self._ray.remote(
            num_cpus=self._options.cpus, num_gpus=gpus, max_retries=FOR_EVER, retry_exceptions=False,
            name=f"sweep worker of {self._assignment.study}",
        )(keep_working)  # fmt: skip
        arguments = [*self._assignment.arguments, "--threads", str(self._options.cpus)]
        self._tasks = [task.remote(arguments, self._assignment.environment) for _ in range(count)]
        self._say(f"{count} tasks with {gpus:g} GPUs and {self._options.cpus} CPUs each")

    def _connect(self) -> None:
        try:
            # Ray's tasks import first from the folder where the driver was, and would find a user's `sweep.py` there.
            with chdir("/"):
                self._ray.init(address=self._options.address, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, ValueError) as error:
            raise UsageError(
                f"no Ray cluster at {self._options.address}",
                why=str(error).strip().splitlines()[0],
                next="Start one (ray start --head), or give -o address=HOST:PORT.",
            ) from None

    def _places(self, gpus: float) -> int:
        has = self._ray.cluster_resources()
        by_cpu = has.get("CPU", 0.0) // self._options.cpus
        places = int(min(by_cpu, has.get("GPU", 0.0) // gpus) if gpus else by_cpu)
        if places < 1:
            raise UsageError(
                "the Ray cluster has no place for a worker",
                why=f"It has {has.get('GPU', 0):g} GPUs and {has.get('CPU', 0):g} CPUs.",
                next="Ask for less by -o gpus=, -o cpus=, or for a fixed number by -n.",
            )
        return places

    @property
    def alive(self) -> int:
        """Tasks that run, or wait for a node."""
        _, left = self._ray.wait(self._tasks, num_returns=len(self._tasks), timeout=0)
        return len(left)

    @property
    def exit_codes(self) -> list[int]:
        """Of the workers whose tasks have ended."""
        done, _ = self._ray.wait(self._tasks, num_returns=len(self._tasks), timeout=0)
        return [self._exit_code(task) for task in done]

    def _exit_code(self, task: Any) -> int:
        try:
            return int(self._ray.get(task).exit_code)
        except self._ray.exceptions.TaskCancelledError:
            return PREEMPTED
        except self._ray.exceptions.RayError as error:
            self._say(f"a task broke down: {str(error).strip().splitlines()[-1]}")
            return 1

    def drain(self) -> None:
        """A cancelled task hears it as Ctrl-C: its worker saves and leaves."""
        for task in self._tasks:
            self._ray.cancel(task, force=False)

    def stop(self) -> None:
        """Tasks and their workers are killed."""
        for task in self._tasks:
            self._ray.cancel(task, force=True)

    def join(self) -> None:
        """Wait for the tasks, and show the last words of those that broke down."""
        done, _ = self._ray.wait(self._tasks, num_returns=len(self._tasks), timeout=DRAIN_SECONDS)
        for task in done:
            with suppress(self._ray.exceptions.RayError):  # said with its exit code
                ended = self._ray.get(task)
                for line in ended.last_lines if ended.exit_code not in _IN_ORDER else ():
                    self._say(line)


@dataclass(frozen=True)
class Ended:
    """How the worker of a task ended; its lines are in Ray's log of that node."""

    exit_code: int
    last_lines: tuple[str, ...]


def keep_working(arguments: Sequence[str], environment: Mapping[str, str]) -> Ended:
    """What a task does: keep one worker alive until it ends for good.

    Args:
        arguments: Of `sweep worker`.
        environment: Beyond the node's own; Ray has put the GPUs of this task into the latter.
    """
    lines: deque[str] = deque(maxlen=LAST_LINES)

    def hear(text: str) -> None:
        print(printable(text), file=sys.stderr, flush=True)
        lines.append(text)

    worker = SupervisedWorker(arguments, os.environ | dict(environment), hear)
    worker.start()
    try:
        code = _end_of(worker)
    except KeyboardInterrupt:  # how Ray cancels
        worker.signal(signal.SIGTERM)
        code = _end_of(worker)
        code = PREEMPTED if code == CTRL_C else code
    return Ended(code, tuple(lines))


def _end_of(worker: SupervisedWorker) -> int:
    while (code := worker.poll()) is None:
        time.sleep(_POLL_SECONDS)
    worker.join()
    return code
