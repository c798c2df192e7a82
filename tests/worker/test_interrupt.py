"""Requests to stop, by signal and by clock."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest

from sweep.worker import interrupt as module
from sweep.worker.interrupt import Interrupt


@pytest.mark.parametrize(
    ("number", "code"),
    # submitit#1732: submitit asks with SIGUSR2, which ends a process that does not expect it.
    [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGUSR2, 75), (signal.SIGINT, 130), (signal.SIGHUP, 75)],
    ids=str,
)
def test_a_signal_is_noted_and_decides_the_exit_code(number: int, code: int) -> None:
    before = signal.getsignal(number)
    with Interrupt() as interrupt:
        assert not interrupt.stop_requested
        assert interrupt.exit_code == 0
        os.kill(os.getpid(), number)
        # A scheduler and a launcher both pass one request on: it stays one.
        os.kill(os.getpid(), number)
        assert interrupt.stop_requested
        assert interrupt.exit_code == code
    assert signal.getsignal(number) is before


def test_a_closed_terminal_that_says_so_again_ends_nothing_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAME_REQUEST_SECONDS", -1.0)
    with Interrupt() as interrupt:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGHUP)
        assert interrupt.exit_code == 75


def test_what_was_started_under_nohup_stays_when_the_terminal_goes() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not interrupt.stop_requested
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_time_limit_asks_by_itself_and_cuts_waits_short() -> None:
    started = time.monotonic()
    with Interrupt(limit=0.2) as interrupt:
        assert not interrupt.stop_requested
        interrupt.wait(30.0)
        assert time.monotonic() - started < 10.0
        assert interrupt.stop_requested
        assert interrupt.exit_code == 75


@pytest.mark.parametrize(("number", "late"), [(signal.SIGTERM, True), (signal.SIGINT, False)], ids=str)
def test_a_scheduler_is_obeyed_in_time_and_a_person_waits(
    monkeypatch: pytest.MonkeyPatch, number: int, late: bool
) -> None:
    monkeypatch.setattr(module, "LATE_SECONDS", 0.1)
    with Interrupt() as interrupt:
        assert not interrupt.late
        os.kill(os.getpid(), number)
        time.sleep(0.2)
        assert interrupt.late is late


def _wait_for_ever(limit: float | None) -> None:
    module.LAST_SECONDS = 0.5
    with Interrupt(limit):
        while True:
            time.sleep(60.0)


@pytest.mark.parametrize("limit", [None, 0.1])
def test_a_process_that_never_looks_at_the_request_ends_in_time_all_the_same(limit: float | None) -> None:
    process = multiprocessing.get_context("fork").Process(target=_wait_for_ever, args=(limit,))
    process.start()
    time.sleep(0.3)
    if limit is None:
        os.kill(process.pid or 0, signal.SIGTERM)
    process.join(20.0)
    assert process.exitcode == 75
