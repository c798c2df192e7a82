"""The `sweep` command: parse, call, print. stdout is data, stderr is progress."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command and turn every error into three lines and an exit code."""
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
