"""A worker and what keeps it: neither stops because of what the other does."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from sweep.executors import supervised
from sweep.executors.supervised import SupervisedWorker

PYTHON = sys.executable


def end_of(worker: SupervisedWorker) -> int:
    deadline = time.monotonic() + 60.0
    while (code := worker.poll()) is None:
        assert time.monotonic() < deadline, "the worker stands still"
        time.sleep(0.02)
    worker.join()
    return code


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is started in place of `sweep worker`."""
    path = tmp_path / "program"
    monkeypatch.setattr(supervised.sys, "executable", str(path))
    return path


def write(program: Path, code: str) -> None:
    program.write_text(f"#!{PYTHON}\nimport os, sys\n{code}\n")
    program.chmod(0o700)


def test_no_byte_that_a_worker_writes_stops_it(program: Path) -> None:
    write(
        program,
        "os.write(2, b'first \\xff\\n'); [os.write(2, b'\\x00\\xfe\\r' * 99) for _ in range(3000)]; os._exit(7)",
    )
    said: list[str] = []
    worker = SupervisedWorker([], dict(os.environ), said.append)
    worker.start()
    assert end_of(worker) == 7
    assert said[0] == "first \ufffd"


@pytest.mark.parametrize(
    "error", [BrokenPipeError, UnicodeEncodeError("ascii", "x", 0, 1, ""), SystemExit(1)], ids=repr
)
def test_a_launcher_that_cannot_print_reads_its_workers_to_the_end(program: Path, error: BaseException) -> None:
    write(program, "[os.write(2, b'a line of progress\\n') for _ in range(20_000)]")

    def on_line(_: str) -> None:
        raise error

    worker = SupervisedWorker([], dict(os.environ), on_line)
    worker.start()
    assert end_of(worker) == 0


def test_a_worker_hears_that_what_kept_it_is_gone(program: Path) -> None:
    write(program, "sys.stdin.read(); os._exit(5)")
    worker = SupervisedWorker([], dict(os.environ), lambda _: None)
    worker.start()
    assert worker.poll() is None
    assert worker._process is not None
    assert worker._process.stdin is not None
    worker._process.stdin.close()  # as the kernel does when a process ends
    assert end_of(worker) == 5
