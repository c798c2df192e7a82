"""The worker's side of its trial process: start it, send a job, receive its messages, replace it after a failure."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from sweep.errors import SweepError
from sweep.store.states import FailureClass
from sweep.worker.interrupt import blocked_stop_signals
from sweep.worker.messages import (
    Failed,
    Message,
    Outcome,
    Progressed,
    Ready,
)
from sweep.worker.options import StartMethod
from sweep.worker.orders import Job, Order
from sweep.worker.process_start import leave_deleted_folder, safe_path
from sweep.worker.trial_process import serve

START_SECONDS = 300.0
END_SECONDS = 5.0
POLL_SECONDS = 0.25
STALL_SECONDS = 1800.0
# A killed process cannot release its semaphores; Python's resource tracker does so, and would also print a warning.
_QUIET_TRACKER = "ignore::UserWarning:multiprocessing.resource_tracker"


class Child:
    """A trial process, which owns torch and the device. It ends with its parent; the parent survives its end.

    Args:
        device: Device on which it computes: `cpu`, `cuda` or `cuda:0`.
        threads: CPU threads that it may use.
        start_method: How the process is made; see `WorkerOptions`.
        stall: Seconds without a message after which a job counts as hung.
    """

    def __init__(
        self, *, device: str, threads: int, start_method: StartMethod = "spawn", stall: float = STALL_SECONDS
    ) -> None:
        self._device = device
        self._threads = threads
        self._start_method = start_method
        self._stall = stall
        self._orders = 0
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._stop_sender: Connection | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the trial process; None while there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> Ready | None:
        """Start the process, and wait until it can work.

        Returns:
            Its device and environment; None when it runs already.

        Raises:
            SweepError: The process did not start, or cannot use the device.
        """
        if self._process is not None:
            return None
        self._open()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            message = self._receive(POLL_SECONDS)
            if isinstance(message, Ready):
                return message
            if isinstance(message, Failed):
                self.kill()
                raise SweepError(
                    f"the trial process cannot use device {self._device!r}",
                    why=message.reason,
                    next="sweep doctor" if self._device == "cpu" else "Try --device cpu.",
                )
        self.kill()
        raise SweepError(f"the trial process did not start within {START_SECONDS:.0f} s", next="sweep doctor")

    def _open(self) -> None:
        leave_deleted_folder()
        context = multiprocessing.get_context(self._start_method)
        os.environ.setdefault("PYTHONWARNINGS", _QUIET_TRACKER)
        self._pipe, child_end = context.Pipe()
        stop_receiver, self._stop_sender = context.Pipe(duplex=False)
        self._process = context.Process(  # type: ignore[attr-defined] # every context has it, and their base class does not name it
            target=serve, args=(child_end, stop_receiver, self._device, self._threads), name="sweep-trial"
        )
        assert self._process is not None
        with safe_path(), blocked_stop_signals():
            self._process.start()
        child_end.close()
        stop_receiver.close()

    def run(self, job: Job, *, on_message: Callable[[Message], None], on_poll: Callable[[], bool]) -> Outcome:
        """Have the trial process do one job, and wait for its outcome.

        An exception from `on_message` or `on_poll` kills the process and is raised again: the worker may not have the
        work any more.

        Args:
            job: The preparation, timing, training or scoring to do.
            on_message: Called with every message that comes before the outcome. When it returns, a checkpoint is
                recorded.
            on_poll: Called several times a second. When it returns true, the job is asked to save and stop.

        Returns:
            The result of the job, or its failure.

        Raises:
            SweepError: The process could not be started.
        """
        self.start()
        assert self._pipe is not None
        self._orders += 1
        try:
            self._pipe.send(Order(self._orders, job))
            outcome = self._listen(on_message, on_poll)
        except BrokenPipeError:
            outcome = self._exit_outcome()
        except BaseException:
            self.kill()
            raise
        if isinstance(outcome, Failed) and outcome.failure != FailureClass.PREEMPTED:
            self.kill()  # the state of a failed process must not reach the next run
        return outcome

    def _listen(self, on_message: Callable[[Message], None], on_poll: Callable[[], bool]) -> Outcome:
        assert self._stop_sender is not None
        assert self._pipe is not None
        last_message_at = time.monotonic()
        stop_sent = False
        while True:
            if on_poll() and not stop_sent:
                self._stop_sender.send(self._orders)
                stop_sent = True
            message = self._receive(POLL_SECONDS)
            if isinstance(message, Outcome):
                return message
            if message is None:
                if time.monotonic() - last_message_at > self._stall:
                    return Failed(FailureClass.INFRA, f"the trial process sent no message for {self._stall:.0f} s")
                continue
            on_message(message)
            if isinstance(message, Progressed) and message.checkpoint is not None:
                self._pipe.send(None)
            last_message_at = time.monotonic()

    def _receive(self, seconds: float) -> Message | None:
        assert self._pipe is not None
        try:
            if self._pipe.poll(seconds):
                message: Message = self._pipe.recv()
                return message
        except (EOFError, ConnectionResetError):
            return self._exit_outcome()
        return None

    def _exit_outcome(self) -> Failed:
        assert self._process is not None
        self._process.join(END_SECONDS)
        code = self._process.exitcode
        if code is None or code >= 0:
            return Failed(FailureClass.INFRA, f"the trial process ended with exit code {code}")
        hint = " (the kernel sends signal 9 when memory runs out)" if code == -9 else ""
        return Failed(FailureClass.INFRA, f"the trial process was killed by signal {-code}{hint}")

    def close(self) -> None:
        """Ask the process to end, so that it releases what it holds; kill it when it does not end within 5 s."""
        if self._process is not None and self._pipe is not None:
            with suppress(OSError):
                self._pipe.send(None)
            self._process.join(END_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kill the process. The next job gets a new one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        self._close_pipes()
        self._process = None

    def _close_pipes(self) -> None:
        for end in (self._pipe, self._stop_sender):
            if end is not None:
                end.close()
        self._pipe = self._stop_sender = None
