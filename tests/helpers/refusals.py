"""Types commands one after another, each in a fork of one process that has everything imported, and measures them.

Run as `python -m tests.helpers.refusals FOLDER`. It reads command lines as JSON from stdin, one a line, and writes what
came of each to stdout. A fork costs milliseconds where a process of its own costs a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from sweep.cli import main

WALL_SECONDS = 20
CPU_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one command."""

    code: int
    """Exit code; negative for the signal that ended it."""
    cpu_seconds: float
    megabytes: float
    """Most that it held, what it shares with its parent included."""
    out: str
    err: str


def type_command(words: list[str], folder: Path) -> Outcome:
    """Run `sweep WORDS` in `folder`, with an open pipe on stdin that nobody writes to."""
    out, err = folder.parent / "out", folder.parent / "err"
    unfed, kept_open = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(words, folder, unfed, out, err)
    _, status, usage = os.wait4(pid, 0)
    os.close(unfed)
    os.close(kept_open)
    return Outcome(
        code=os.waitstatus_to_exitcode(status),
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        megabytes=usage.ru_maxrss / 1024,
        out=out.read_text(),
        err=err.read_text(),
    )


def _become(words: list[str], folder: Path, stdin: int, out: Path, err: Path) -> None:
    code = 99
    try:
        os.dup2(stdin, 0)
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        signal.alarm(WALL_SECONDS)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        os.chdir(folder)
        sys.argv = ["sweep", *words]
        main()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    finally:
        if code == 99:
            import traceback

            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def import_everything() -> None:
    """What the commands import when they are typed, by typing one of them."""
    import sweep.executors.register  # noqa: F401 - loaded for what it does

    sys.argv = ["sweep", "plan", "/dev/null"]
    with contextlib.suppress(SystemExit), Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        main()


if __name__ == "__main__":
    typed_in = Path(sys.argv[1])
    import_everything()
    for line in sys.stdin:
        print(json.dumps(vars(type_command(json.loads(line), typed_in))), flush=True)
