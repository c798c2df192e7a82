"""Which workers can be told to be dead."""

from __future__ import annotations

import os
import subprocess
import sys

from sweep.worker.identity import boot_id, is_alive, started


def test_a_process_is_alive_under_its_start_time_alone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    born = started(child.pid)
    assert born is not None
    assert is_alive(child.pid, born)
    assert not is_alive(child.pid, born + 1.0)  # the number was given to another process
    child.communicate()  # it reads the end of its input, and ends
    assert not is_alive(child.pid, born)
    assert started(os.getpid()) is not None


def test_a_boot_is_the_same_for_every_process_that_sees_the_same_processes() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "from sweep.worker.identity import boot_id; print(boot_id())"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert said.stdout.strip() == boot_id()
    assert boot_id().count(" ") == 1
