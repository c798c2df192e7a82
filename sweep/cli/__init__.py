"""The `sweep` command: parse, call, print. stdout is data, stderr is progress.

One file for each command; start with `app.py`, which lists them. Calls `sweep.api` and nothing below it.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweep.errors import SweepError

# Objects made before Python looks for cycles among them; its own 700 walk the imports of a command dozens of times.
_GC_THRESHOLD = 50_000

logger = logging.getLogger(__name__)


def main() -> None:
    """Run the command and turn every error into three lines and an exit code."""
    gc.set_threshold(_GC_THRESHOLD)
    atexit.register(gc.freeze)  # else the end of a process walks all that it imported, a fifth of a short command
    from sweep.cli.streams import prepare_streams
    from sweep.console_log import log_to_console
    from sweep.errors import ExitCode, ReaderGone, SweepError

    prepare_streams()
    log_to_console()
    try:
        _run()
    except ReaderGone as error:
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        # While modules were loaded; later the command says what was kept.
        raise SystemExit(ExitCode.INTERRUPTED) from None
    except SweepError as error:
        raise SystemExit(_explain(error, error)) from None
    except Exception as error:
        from sweep.cli.unexpected import unexpected

        raise SystemExit(_explain(unexpected(error, sys.argv), error)) from None


def _run() -> None:
    _require_working_folder()
    from sweep.cli.app import app

    try:
        app(prog_name="sweep")
    finally:
        sys.stdout.flush()


def _explain(error: SweepError, cause: Exception) -> int:
    """Print the error, and before it the traceback of its cause where SWEEP_DEBUG wants it; the exit code."""
    from sweep.cli.terminal import print_error

    if os.environ.get("SWEEP_DEBUG"):
        from sweep.cli.unexpected import traceback_of

        logger.info(traceback_of(cause))
    print_error(error)
    return error.exit_code


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
