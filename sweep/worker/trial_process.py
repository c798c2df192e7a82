"""The process that trains and scores. It knows no lease and no database; what it cannot do cannot hurt the worker.

One process serves many jobs, so that what is slow to set up (the device's context, compiled steps, data on the device)
is paid once. It leaves signals to its parent, and ends when its parent is gone.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from multiprocessing.connection import Connection, wait

from sweep.errors import (
    DataError,
    Diverged,
    FileStoreError,
    ImagesUnavailable,
    Preempted,
    ProtocolError,
    UnreadableCheckpoint,
    UnreadableWeights,
)
from sweep.files.atomic import NO_ROOM
from sweep.store.records import FailureClass
from sweep.worker.interrupt import STOP_SIGNALS
from sweep.worker.messages import Alive, Failed, Message, Order, Outcome, Progressed, Ready

DETAIL_CHARACTERS = 8_000
ALIVE_SECONDS = 2.0
_PR_SET_PDEATHSIG = 1
# Of torch on CUDA and on the CPU, and of C++. The last is how torch tells that the buffer in memory that a
# checkpoint is written to cannot grow.
_NO_MEMORY = ("outofmemoryerror", "can't allocate memory", "bad_alloc", "unexpected pos")


def serve(pipe: Connection, asked: Connection, device: str, threads: int) -> None:
    """Entry point of the process: take orders from `pipe` until it closes.

    Args:
        pipe: Orders come in, None at the end; messages and outcomes go out. A checkpoint waits here for the word that
            it is recorded.
        asked: The number of an order on it means: save and stop.
        device: Where to compute.
        threads: CPU threads.
    """
    for kind in STOP_SIGNALS:
        signal.signal(kind, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)  # held back until here (`held_signals`)
    _be_killed_with_parent()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    warnings.simplefilter("ignore")  # those of libraries, which nobody who launches a study can act on
    for library in ("OMP", "OPENBLAS", "MKL"):
        # Read once, when numpy loads: otherwise each worker's linear algebra takes all cores and waits for the others.
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    try:
        from sweep.training.step_state import StepStateCache  # loads torch: here and nowhere else in a worker
        from sweep.worker import jobs, machine

        placement = machine.set_up(device, threads)
        cache = StepStateCache()
        pipe.send(Ready(device, machine.environment(placement)))
    except Exception as error:
        pipe.send(_failed(error, 0.0))
        return
    while True:
        try:
            order: Order | None = pipe.recv()
        except EOFError:
            return
        if order is None:
            return
        started = time.monotonic()
        line = _Line(pipe, asked, order.number)
        try:
            outcome: Outcome = jobs.perform(order.job, placement, cache, line.send, line.should_stop)
        except Exception as error:
            outcome = _failed(error, time.monotonic() - started)
        pipe.send(outcome)


class _Line:
    """What one job says to the worker and hears from it."""

    def __init__(self, pipe: Connection, asked: Connection, number: int) -> None:
        self._pipe = pipe
        self._asked = asked
        self._number = number
        self._stop = False
        self._heard_at = time.monotonic()

    def send(self, message: Message) -> None:
        """Tell the worker. A checkpoint returns when it is recorded: older ones may be deleted only then."""
        self._pipe.send(message)
        self._heard_at = time.monotonic()
        if isinstance(message, Progressed) and message.checkpoint is not None:
            self._pipe.recv()

    def should_stop(self) -> bool:
        """Whether the worker wants this job saved and stopped. To ask is a sign of life."""
        while self._asked.poll():
            # A word about an earlier job may still lie here.
            self._stop |= self._asked.recv() == self._number
        if time.monotonic() - self._heard_at > ALIVE_SECONDS:
            self.send(Alive())
        return self._stop


def _die_with_parent() -> None:
    """Wait for the end of the parent, and follow."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _be_killed_with_parent() -> None:
    """On Linux the kernel sees to it too: a process that is stopped, or deep in a call, runs no thread of its own."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        parent = multiprocessing.parent_process()
        if parent is not None and os.getppid() != parent.pid:
            os._exit(1)  # it ended before it was asked for


def _failed(error: Exception, seconds: float) -> Failed:
    detail = "".join(traceback.format_exception(error))[-DETAIL_CHARACTERS:]
    evidence = error.evidence if isinstance(error, Diverged) else {}
    return Failed(failure_class(error), str(error) or type(error).__name__, detail, evidence, seconds)


def failure_class(error: BaseException) -> FailureClass:
    """What kind of failure an exception is; the kind decides what is done about it.

    An error that was raised from another is of the other's kind, or of its own where the other's says nothing:
    torchvision tells of a failed download by a plain RuntimeError.
    """
    text = f"{type(error).__name__}: {error}".lower()
    if isinstance(error, Preempted):
        return "preempted"
    if isinstance(error, ImagesUnavailable):
        full = error.__cause__ is not None and failure_class(error.__cause__) == "disk_full"
        return "disk_full" if full else "no_images"
    if isinstance(error, Diverged):
        return "nan"
    if isinstance(error, UnreadableWeights):
        return "weights"
    if isinstance(error, MemoryError) or any(sign in text for sign in _NO_MEMORY):
        return "oom"
    if isinstance(error, OSError):
        return "disk_full" if error.errno in NO_ROOM else "infra"
    if isinstance(error, FileStoreError):
        return "infra"
    if error.__cause__ is not None and (cause := failure_class(error.__cause__)) != "bug":
        return cause
    # Data, weights or an extractor that are not here or not the right ones: another machine may have them.
    elsewhere = DataError | ProtocolError | UnreadableCheckpoint | ConnectionError
    return "infra" if isinstance(error, elsewhere) else "bug"
