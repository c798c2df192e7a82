"""The worker's side of its trial process: start it, hand it a job, hear it out, replace it after a failure."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from sweep.errors import SweepError
from sweep.worker.interrupt import held_signals
from sweep.worker.messages import (
    Failed,
    Job,
    Message,
    Order,
    Outcome,
    Prepared,
    Progressed,
    Ready,
    Scored,
    Timed,
    Trained,
)
from sweep.worker.options import StartMethod
from sweep.worker.process_start import leave_deleted_folder, safe_path
from sweep.worker.trial_process import serve

START_SECONDS = 300.0
END_SECONDS = 5.0
POLL_SECONDS = 0.25
STALL_SECONDS = 1800.0
# A killed process cannot give its locks back; Python's tracker does so, and would also complain on the terminal.
_QUIET_TRACKER = "ignore::UserWarning:multiprocessing.resource_tracker"


class Child:
    """A process that owns torch and the device. It dies with its parent, and nothing dies with it.

    Args:
        device: Where it computes.
        threads: CPU threads.
        start_method: See `WorkerOptions`.
        stall: Seconds of silence after which a job counts as hung.
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
        self._stop: Connection | None = None

    @property
    def pid(self) -> int | None:
        """Process id, while there is a process."""
        return None if self._process is None else self._process.pid

    def start(self) -> Ready | None:
        """Start the process and wait until it can work; None when it runs already.

        Raises:
            SweepError: it did not come up.
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
                    f"no work can be done on device {self._device!r}",
                    why=message.reason,
                    next="sweep doctor" if self._device == "cpu" else "Try --device cpu.",
                )
        self.kill()
        raise SweepError(f"the trial process did not start within {START_SECONDS:.0f} s", next="sweep doctor")

    def _open(self) -> None:
        leave_deleted_folder()
        context = multiprocessing.get_context(self._start_method)
        os.environ.setdefault("PYTHONWARNINGS", _QUIET_TRACKER)
        self._pipe, theirs = context.Pipe()
        asked, self._stop = context.Pipe(duplex=False)
        self._process = context.Process(  # type: ignore[attr-defined]
            target=serve, args=(theirs, asked, self._device, self._threads), name="sweep-trial"
        )
        assert self._process is not None
        with safe_path(), held_signals():
            self._process.start()
        theirs.close()
        asked.close()

    def run(self, job: Job, *, on_message: Callable[[Message], None], on_poll: Callable[[], bool]) -> Outcome:
        """Do one job.

        Args:
            job: What to do.
            on_message: Called with every message on the way. A checkpoint is recorded when it returns.
            on_poll: Called several times a second; true asks the job to save and stop. An exception from either kills
                the process, because nobody wants its work any more.
        """
        self.start()
        assert self._pipe is not None
        self._orders += 1
        try:
            self._pipe.send(Order(self._orders, job))
            outcome = self._listen(on_message, on_poll)
        except BrokenPipeError:
            outcome = self._death()
        except BaseException:
            self.kill()
            raise
        if isinstance(outcome, Failed) and outcome.failure != "preempted":
            self.kill()  # whatever went wrong must not reach the next run
        return outcome

    def _listen(self, on_message: Callable[[Message], None], on_poll: Callable[[], bool]) -> Outcome:
        assert self._stop is not None
        assert self._pipe is not None
        heard_at = time.monotonic()
        told = False
        while True:
            if on_poll() and not told:
                self._stop.send(self._orders)
                told = True
            message = self._receive(POLL_SECONDS)
            if isinstance(message, Prepared | Timed | Trained | Scored | Failed):
                return message
            if message is None:
                if time.monotonic() - heard_at > self._stall:
                    return Failed("infra", f"the trial process said nothing for {self._stall:.0f} s")
                continue
            on_message(message)
            if isinstance(message, Progressed) and message.checkpoint is not None:
                self._pipe.send(None)
            heard_at = time.monotonic()

    def _receive(self, seconds: float) -> Message | None:
        assert self._pipe is not None
        try:
            if self._pipe.poll(seconds):
                message: Message = self._pipe.recv()
                return message
        except (EOFError, ConnectionResetError):
            return self._death()
        return None

    def _death(self) -> Failed:
        assert self._process is not None
        self._process.join(END_SECONDS)
        code = self._process.exitcode
        if code is None or code >= 0:
            return Failed("infra", f"the trial process ended with exit code {code}")
        hint = " (the kernel kills with 9 when memory runs out)" if code == -9 else ""
        return Failed("infra", f"the trial process was killed by signal {-code}{hint}")

    def close(self) -> None:
        """Let the process end by itself, and give back what it holds; kill it when it does not."""
        if self._process is not None and self._pipe is not None:
            with suppress(OSError):
                self._pipe.send(None)
            self._process.join(END_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the process at once; the next job gets a new one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        self._close_pipes()
        self._process = None

    def _close_pipes(self) -> None:
        for end in (self._pipe, self._stop):
            if end is not None:
                end.close()
        self._pipe = self._stop = None
