"""The process that trains and scores. It has no lease and no connection to the database, and the worker survives it.

One process serves many jobs, so that the slow preparations (context of the device, compiled steps, data on the device)
happen once. It ignores the signals that its parent handles, and ends when its parent is gone.
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
    ExitCode,
    FileStoreError,
    ImagesUnavailable,
    Preempted,
    ProtocolError,
    UnreadableCheckpoint,
    UnreadableWeights,
)
from sweep.files.atomic import NO_ROOM
from sweep.store.states import FailureClass
from sweep.worker.interrupt import STOP_SIGNALS
from sweep.worker.messages import Alive, Failed, Message, Outcome, Progressed, Ready
from sweep.worker.orders import Order

DETAIL_CHARACTERS = 8_000
ALIVE_SECONDS = 2.0
_PR_SET_PDEATHSIG = 1
# Messages of torch on CUDA and on the CPU, and of C++. The last one is torch's when the buffer in memory that a
# checkpoint is written to cannot grow.
_NO_MEMORY = (
    "outofmemoryerror",
    "can't allocate memory",
    "bad_alloc",
    "unexpected pos",
    "cuda error: out of memory",
    "cudaerrormemoryallocation",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
    "cudnn_status_internal_error_device_allocation_failed",
    "cufft_alloc_failed",
)
# Errors of a GPU and of its libraries. After one of them the process can compute nothing more on that device; another
# process or machine can, unless the code gave the device something that it cannot do.
_DEVICE_ERROR = ("acceleratorerror", "cuda error:", "cuda driver error", "cublas_status_", "cudnn_status_", "cufft_")
_CODE_ERROR = (
    "device-side assert",
    "_invalid_value",
    "_bad_param",
    "_not_supported",
    "invalid argument",
    "invalid configuration argument",
)


def serve(pipe: Connection, stop_requests: Connection, device: str, threads: int) -> None:
    """Entry point of the process: do the jobs that come through `pipe` until it closes.

    Args:
        pipe: Receives orders, and None at the end; sends messages and outcomes. After a checkpoint the process waits
            here until it is recorded.
        stop_requests: Receives the number of an order whose job is to save and stop.
        device: Device on which to compute: `cpu`, `cuda` or `cuda:0`.
        threads: CPU threads.
    """
    for kind in STOP_SIGNALS:
        signal.signal(kind, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)  # blocked until here (`blocked_stop_signals`)
    _be_killed_with_parent()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    warnings.simplefilter("ignore")  # those of libraries: a person who launches a study can do nothing about them
    for library in ("OMP", "OPENBLAS", "MKL"):
        # Read once, when numpy loads. Without it the linear algebra of each worker would use all cores.
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    try:
        from sweep.training.step_state import StepStateCache  # loads torch, which the worker itself never does
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
        channel = _JobChannel(pipe, stop_requests, order.number)
        try:
            outcome: Outcome = jobs.perform(order.job, placement, cache, channel.send, channel.should_stop)
        except Exception as error:
            outcome = _failed(error, time.monotonic() - started)
        pipe.send(outcome)


class _JobChannel:
    """The messages of one job to the worker, and the worker's request to stop it."""

    def __init__(self, pipe: Connection, stop_requests: Connection, number: int) -> None:
        self._pipe = pipe
        self._stop_requests = stop_requests
        self._number = number
        self._should_stop = False
        self._sent_at = time.monotonic()

    def send(self, message: Message) -> None:
        """Send a message. After a checkpoint, wait until it is recorded: only then may older ones be deleted.

        Args:
            message: The message to the worker.
        """
        self._pipe.send(message)
        self._sent_at = time.monotonic()
        if isinstance(message, Progressed) and message.checkpoint is not None:
            self._pipe.recv()

    def should_stop(self) -> bool:
        """Whether the worker wants this job saved and stopped. Each call also sends a sign of life when one is due."""
        while self._stop_requests.poll():
            # A request about an earlier job may still be in the pipe.
            self._should_stop |= self._stop_requests.recv() == self._number
        if time.monotonic() - self._sent_at > ALIVE_SECONDS:
            self.send(Alive())
        return self._should_stop


def _die_with_parent() -> None:
    """Wait for the end of the parent, and end this process too."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(ExitCode.FAILED)


def _be_killed_with_parent() -> None:
    """On Linux the kernel ends this process too: one that is stopped, or in a long call, runs no other thread."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        parent = multiprocessing.parent_process()
        if parent is not None and os.getppid() != parent.pid:
            os._exit(ExitCode.FAILED)  # the parent ended before `prctl` was called


def _failed(error: Exception, seconds: float) -> Failed:
    detail = "".join(traceback.format_exception(error))[-DETAIL_CHARACTERS:]
    evidence = error.evidence if isinstance(error, Diverged) else {}
    return Failed(failure_class(error), str(error) or type(error).__name__, detail, evidence, seconds)


def failure_class(error: BaseException) -> FailureClass:
    """The class of failure that an exception belongs to; it decides what is done about the failure.

    An error that was raised from another has the class of the other, or its own class where the other is a `bug`:
    torchvision reports a failed download by a plain RuntimeError.

    Args:
        error: What was raised.
    """
    text = f"{type(error).__name__}: {error}".lower()
    if isinstance(error, Preempted):
        return FailureClass.PREEMPTED
    if isinstance(error, ImagesUnavailable):
        full = error.__cause__ is not None and failure_class(error.__cause__) == FailureClass.DISK_FULL
        return FailureClass.DISK_FULL if full else FailureClass.NO_IMAGES
    if isinstance(error, Diverged):
        return FailureClass.NAN
    if isinstance(error, UnreadableWeights):
        return FailureClass.WEIGHTS
    if isinstance(error, MemoryError) or any(sign in text for sign in _NO_MEMORY):
        return FailureClass.OOM
    if isinstance(error, OSError):
        return FailureClass.DISK_FULL if error.errno in NO_ROOM else FailureClass.INFRA
    if isinstance(error, FileStoreError):
        return FailureClass.INFRA
    if isinstance(error, RuntimeError) and any(sign in text for sign in _DEVICE_ERROR):
        return FailureClass.BUG if any(sign in text for sign in _CODE_ERROR) else FailureClass.INFRA
    if error.__cause__ is not None and (cause := failure_class(error.__cause__)) != FailureClass.BUG:
        return cause
    # Data, weights or an extractor are missing here, or are not the right ones: another machine may have them.
    elsewhere = DataError | ProtocolError | UnreadableCheckpoint | ConnectionError
    return FailureClass.INFRA if isinstance(error, elsewhere) else FailureClass.BUG
