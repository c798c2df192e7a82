"""Worker processes to be hurt: started by a fork server that has loaded torch once, so that a start takes milliseconds.

They are the real worker on a real store with a real trial process; only the start differs from `sweep worker`.
"""

from __future__ import annotations

import importlib
import itertools
import logging
import multiprocessing
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

from sweep.config.study import Study
from sweep.executors.register import register
from sweep.files.file_store import FileStore
from sweep.planning.plan import study_plan
from sweep.store import Store, cells, open_store
from sweep.store import study as find
from sweep.store.records import StudyRecord
from sweep.worker.options import Timing, WorkerOptions

T = TypeVar("T")

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.helpers.preloaded"])

QUICK = Timing(lease=30.0, heartbeat=1.0, idle=0.2, stall=60.0, retry=0.1, disk=0.3)


def options(folder: Path, **changes: Any) -> WorkerOptions:
    """One thread on the CPU: numbers are equal bit for bit."""
    return replace(
        WorkerOptions(device="cpu", threads=1, files=FileStore(folder), timing=QUICK, start_method="fork"), **changes
    )


def main(url: str, name: str, how: WorkerOptions, memory: int | None, log: str, environment: dict[str, str]) -> None:
    """A worker process; `memory` is how many bytes more than now it may have."""
    import resource

    from sweep.worker.worker import Worker

    os.setpgid(0, 0)
    os.environ.update(environment)  # the fork server has that of its own start
    logging.getLogger().setLevel(logging.ERROR)  # how often a store was waited for fills the output of a test
    logger = logging.getLogger("sweep.worker")
    logger.addHandler(logging.FileHandler(log))
    logger.setLevel(logging.INFO)
    logger.propagate = False
    if memory is not None:
        # The fork server may have been started by another test, without it: libraries are no part of the limit.
        importlib.import_module("tests.helpers.preloaded")
        most = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    disturb(environment)
    store = open_store(url, patience_seconds=300)
    os._exit(Worker(store, find(store, name), how).work())


def disturb(environment: dict[str, str]) -> None:
    """Set this process's clock off by CLOCK seconds, and kill it with its trial process at KILL_AT.

    KILL_AT is `module:name before`, or `after`, and the number of the call.
    """
    if shift := float(environment.get("CLOCK", "0")):
        true_time = time.time
        time.time = lambda: true_time() + shift
    if point := environment.get("KILL_AT"):
        place, when, number = point.split(" ")
        module, _, path = place.partition(":")
        *parents, name = path.split(".")
        holder: Any = importlib.import_module(module)
        for parent in parents:
            holder = getattr(holder, parent)
        setattr(holder, name, _deadly(getattr(holder, name), when, int(number), os.getpid()))


def _deadly(act: Callable[..., Any], when: str, number: int, worker: int) -> Callable[..., Any]:
    calls = itertools.count(1)

    def die(*arguments: Any, **options: Any) -> Any:
        due = next(calls) == number
        if due and when == "before":
            _power_cut(worker)
        result = act(*arguments, **options)
        if due:
            _power_cut(worker)
        return result

    return die


def _power_cut(worker: int) -> None:
    for pid in {*children_of(worker), worker, os.getpid()} - {os.getpid()}:
        os.kill(pid, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


class Workers:
    """Some workers of one study."""

    def __init__(self, url: str, name: str, how: WorkerOptions, log: Path, environment: dict[str, str]) -> None:
        self.url, self.name, self.how, self.log, self.environment = url, name, how, log, environment
        self.running: list[BaseProcess] = []

    def start(self, *, memory: int | None = None, **environment: str) -> BaseProcess:
        """One more worker, with more in its environment; see also `disturb`."""
        how = (self.url, self.name, self.how, memory, str(self.log), self.environment | environment)
        process = CONTEXT.Process(target=main, args=how)
        process.start()
        self.running.append(process)
        return process

    def said(self) -> str:
        """Everything that they said."""
        return self.log.read_text() if self.log.exists() else ""


@contextmanager
def workers(
    store: Store, study: StudyRecord, folder: Path, environment: dict[str, str] | None = None, **changes: Any
) -> Iterator[Workers]:
    """Workers that are all killed at the end."""
    url = store.engine.url.render_as_string(hide_password=False)
    team = Workers(url, study.name, options(folder, **changes), folder / "said.txt", environment or {})
    try:
        yield team
    finally:
        for process in team.running:
            kill_tree(process)


def registered(store: Store, spec: dict[str, Any], protocol: Any) -> StudyRecord:
    """The study in the store, as `sweep launch` puts it there."""
    return register(store, study_plan(Study.model_validate(spec)), protocol, accept_change=False)


def ended(process: BaseProcess, seconds: float = 300.0) -> int | None:
    """Exit code of a process that ends in time."""
    process.join(seconds)
    assert process.exitcode is not None, "the worker does not end"
    return process.exitcode


def kill_tree(process: BaseProcess) -> None:
    """Kill a worker and its trial process."""
    for pid in (*children_of(process.pid or 0), process.pid or 0):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.join()


def children_of(pid: int) -> list[int]:
    """Process ids of the children of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found


def trial_of(worker: BaseProcess) -> int:
    """Process id of a worker's trial process."""
    return until(lambda: children_of(worker.pid or 0))[0]


def until(condition: Callable[[], T], seconds: float = 120.0) -> T:
    """The first truthy answer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"nothing of the kind within {seconds} s")


def gpus_of_workers(name: str) -> list[str]:
    """What CUDA_VISIBLE_DEVICES says in each worker process of this study."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"worker\0--study\0{name}\0".encode() in (folder / "cmdline").read_bytes():
                said = dict(line.partition("=")[::2] for line in (folder / "environ").read_text().split("\0"))
                found.append(said["CUDA_VISIBLE_DEVICES"])
    return sorted(found)


def training(store: Store, study: StudyRecord, step: int = 1) -> bool:
    """Whether some run is under way and has got so far, but not to its end."""
    return any(cell.run_state == "training" and step <= cell.step < cell.steps for cell in cells(store, study.id))


def stopped_outside_a_transaction(store: Store, pids: list[int]) -> bool:
    """Stop processes, unless one of them has ended or holds SQLite's lock of the whole file: then all continue."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        if store.engine.dialect.name != "sqlite":
            return True
        with closing(sqlite3.connect(str(store.engine.url.database), timeout=0.2)) as connection:
            connection.execute("BEGIN IMMEDIATE")
    except (ProcessLookupError, sqlite3.OperationalError):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        return False
    return True
