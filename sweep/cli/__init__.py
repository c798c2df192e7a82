"""The `sweep` command: parse, call, print. stdout is data, stderr is progress."""

from __future__ import annotations

import atexit
import gc
import os
import sys

# Objects made before Python looks for cycles among them; its own 700 walk the imports of a command dozens of times.
_GC_THRESHOLD = 50_000


def main() -> None:
    """Run the command and turn every error into three lines and an exit code."""
    gc.set_threshold(_GC_THRESHOLD)
    atexit.register(gc.freeze)  # else the end of a process walks all that it imported, a fifth of a short command
    from sweep.cli.streams import prepare_streams
    from sweep.errors import ReaderGone, SweepError

    prepare_streams()
    from sweep.cli.app import app

    try:
        _require_working_folder()
        try:
            app(prog_name="sweep")
        finally:
            sys.stdout.flush()
    except ReaderGone as error:
        raise SystemExit(error.exit_code) from None
    except SweepError as error:
        if "--debug" in sys.argv:
            raise
        from sweep.cli.terminal import print_error

        print_error(error)
        raise SystemExit(error.exit_code) from None


def _require_working_folder() -> None:
    from sweep.errors import UsageError

    try:
        os.getcwd()  # noqa: PTH109 - short commands load no pathlib for this
    except OSError as error:
        raise UsageError(
            "the working folder cannot be used",
            why=f"{error.strerror}: it was deleted, or moved, after this terminal went there.",
            next="cd to a folder that exists, then the same command.",
        ) from None
