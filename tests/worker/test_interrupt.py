"""Requests to stop, by signal and by clock."""

from __future__ import annotations

import os
import signal
import time

import pytest

from sweep.worker.interrupt import Interrupt


@pytest.mark.parametrize(
    ("number", "code"),
    # submitit#1732: submitit asks with SIGUSR2, which ends a process that does not expect it.
    [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGUSR2, 75), (signal.SIGINT, 130)],
    ids=str,
)
def test_a_signal_is_noted_and_decides_the_exit_code(number: int, code: int) -> None:
    before = signal.getsignal(number)
    with Interrupt() as interrupt:
        assert not interrupt.asked
        assert interrupt.exit_code == 0
        os.kill(os.getpid(), number)
        # A scheduler and a launcher both pass one request on: it stays one.
        os.kill(os.getpid(), number)
        assert interrupt.asked
        assert interrupt.exit_code == code
    assert signal.getsignal(number) is before


def test_a_time_limit_asks_by_itself_and_cuts_waits_short() -> None:
    started = time.monotonic()
    with Interrupt(limit=0.2) as interrupt:
        assert not interrupt.asked
        interrupt.wait(30.0)
        assert time.monotonic() - started < 10.0
        assert interrupt.asked
        assert interrupt.exit_code == 75
