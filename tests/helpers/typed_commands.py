"""`sweep` commands as a person types them; everything they start carries a tag, so that no process escapes a count."""

from __future__ import annotations

import fcntl
import os
import pty
import random
import signal
import sqlite3
import subprocess
import sys
import termios
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

TAG = "SWEEP_TEST_TAG"


class Command:
    """One place to launch from: a store, a folder of files, a study file."""

    def __init__(self, database: Path, files: Path, study: Path) -> None:
        self.database, self.files, self.study = database, files, study
        self.tag = uuid4().hex

    def start(self, *arguments: str, most: int = 1, **how: Any) -> subprocess.Popen[str]:
        """The command on one core, or on as many as there are up to `most`.

        On one there is one worker on one thread, so that numbers are equal bit for bit.
        """
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
        environment = os.environ | {
            TAG: self.tag,
            "SWEEP_STORAGE": f"sqlite:///{self.database}",
            "SWEEP_FILES": str(self.files),
        }
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, set(sorted(cores)[:most]))  # is inherited
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "sweep", *arguments],
                env=environment,
                text=True,
                **how,
            )
        finally:
            os.sched_setaffinity(0, cores)

    def launch(self, *arguments: str, most: int = 1) -> subprocess.Popen[str]:
        """`sweep launch`."""
        return self.start("launch", str(self.study), "--device", "cpu", *arguments, most=most)

    def launch_in_terminal(self) -> tuple[subprocess.Popen[str], int]:
        """`sweep launch` in a terminal of its own, and what to close for the terminal to be gone."""
        ours, theirs = pty.openpty()

        def make_it_the_terminal() -> None:
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        ends = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        launched = self.start(
            "launch",
            str(self.study),
            "--device",
            "cpu",
            "--workers",
            "1",
            start_new_session=True,
            preexec_fn=make_it_the_terminal,
            **ends,
        )
        os.close(theirs)
        return launched, ours

    def rows(self) -> int:
        """How much the store holds: grows with every point, checkpoint, attempt and score."""
        tables = ("metric", "attempt", "measurement", "event")
        with closing(sqlite3.connect(self.database, timeout=60)) as connection:
            return sum(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)

    def strays(self) -> list[int]:
        """Processes of this command that still run."""
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                alive = (environ.parent / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
                if alive and f"{TAG}={self.tag}".encode() in environ.read_bytes():
                    found.append(int(environ.parent.name))
        return found

    def workers(self) -> list[int]:
        """Those of them that are workers, however early in their lives."""
        found = []
        for pid in self.strays():
            with suppress(OSError):
                if b"\0worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(pid)
        return found

    def killed(self, draws: random.Random, *, early: bool, alone: bool = False) -> bool:
        """Launch, and kill at a random moment: while it starts, or after some rows more. False when it ended before.

        Killed is the launcher `alone`, or, as when the power goes, everything at once.
        """
        launched = self.launch()
        if early:
            moment = time.monotonic() + draws.uniform(0.1, 3.0)
            due = lambda: time.monotonic() > moment
        else:
            goal = self.rows() + draws.randint(4, 25)
            due = lambda: self.rows() >= goal
        while launched.poll() is None and not due():
            time.sleep(0.02)
        time.sleep(draws.uniform(0.0, 0.05))
        died = launched.poll() is None
        for pid in [launched.pid] if alone else self.strays():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        launched.communicate()
        self.wait_for_strays()
        return died

    def wait_for_strays(self) -> None:
        """Everything that the command started is gone within moments."""
        deadline = time.monotonic() + 15.0
        while left := self.strays():
            assert time.monotonic() < deadline, f"processes {left} outlive their launcher"
            time.sleep(0.1)
