"""What test processes do to one store. Started by a fork server that has loaded the libraries once."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from typing import Any

from sweep.store import (
    add_search_cell,
    advisor_lease,
    cells,
    claim,
    open_store,
    register_study,
    release_advisor,
)
from sweep.store.queue.attempts import fail
from sweep.store.records import ArmRecord
from tests.helpers.tiny_store import ARMS, PROTOCOL, new_cell, new_worker

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.helpers.store_processes"])


@contextmanager
def running(count: int, job: Callable[..., None], *args: Any) -> Iterator[tuple[list[BaseProcess], Queue[Any]]]:
    """So many processes that each call `job(queue, *args)`; whatever is left at the end is killed."""
    queue: Queue[Any] = CONTEXT.Queue()
    processes: list[BaseProcess] = [CONTEXT.Process(target=job, args=(queue, *args)) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield processes, queue
    finally:
        for process in processes:
            process.kill()
            process.join()


def results(processes: list[BaseProcess], queue: Queue[Any]) -> list[Any]:
    """What each process put, once it has ended well."""
    found = [queue.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
    return found


def claim_all(queue: Queue[Any], url: str, study_id: int) -> None:
    """Claim and end work until there is none; put the ids."""
    store = open_store(url)
    worker, taken = new_worker(store, pid=os.getpid()), []
    while (work := claim(store, study_id, worker)) is not None:
        taken.append(work.run_id)
        fail(store, work, "bug", "", final=True)
    queue.put(taken)


def search_until_full(queue: Queue[Any], url: str, study_id: int, total: int) -> None:
    """Ask and add trials under the advisor lease until the total is reached; put the trial numbers added."""
    store = open_store(url)
    worker, added = new_worker(store, pid=os.getpid()), []
    while True:
        if not advisor_lease(store, study_id, worker):
            time.sleep(0.02)
            continue
        number = len(cells(store, study_id))
        cell = new_cell(0, f"trial-{number}", phase="search", trial=number)
        arm = ArmRecord(f"trial-{number}", {"seed": number})
        cell_id = add_search_cell(store, study_id, worker, arm, cell, total=total)
        release_advisor(store, study_id, worker)
        if cell_id is None:
            break
        added.append(number)
    queue.put(added)


def register(queue: Queue[Any], url: str, start: Any, spec_sha256: str) -> None:
    """Register one study at the same moment as others; put its id and revision."""
    store = open_store(url)
    asked = {"question": "?", "spec": {}, "arms": ARMS, "protocol": PROTOCOL, "versions": {}}
    start.wait()
    study = register_study(store, "tiny", spec_sha256=spec_sha256, accept_change=True, **asked)
    queue.put((study.id, study.revision))


def migrate_at_once(queue: Queue[Any], url: str, start: Any) -> None:
    """Open a store without tables at the same moment as others."""
    start.wait()
    open_store(url).close()
    queue.put("open")


def claim_and_hang(queue: Queue[Any], url: str, study_id: int) -> None:
    """Take work, say which, and wait to be killed."""
    store = open_store(url)
    work = claim(store, study_id, new_worker(store, pid=os.getpid()))
    assert work is not None
    queue.put((work.run_id, work.token))
    time.sleep(600)


def lock_file(queue: Queue[Any], path: str, seconds: float) -> None:
    """Hold SQLite's write lock for so long."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    queue.put("locked")
    time.sleep(seconds)
    connection.execute("COMMIT")
