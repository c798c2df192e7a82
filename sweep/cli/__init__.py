"""The `sweep` command: parse, call, print. stdout is data, stderr is progress."""

from __future__ import annotations

import atexit
import gc
import sys

# Objects made before Python looks for cycles among them; its own 700 walk the imports of a command dozens of times.
_GC_THRESHOLD = 50_000


def main() -> None:
    """Run the command and turn every error into three lines and an exit code."""
    gc.set_threshold(_GC_THRESHOLD)
    atexit.register(gc.freeze)  # else the end of a process walks all that it imported, a fifth of a short command
    from sweep.cli.app import app
    from sweep.errors import SweepError

    try:
        app(prog_name="sweep")
    except SweepError as error:
        if "--debug" in sys.argv:
            raise
        from sweep.cli.terminal import print_error

        print_error(error)
        raise SystemExit(error.exit_code) from None
