"""Bars fit the narrowest terminals, with the time left in full; tables in a pipe have a line for a row."""

from __future__ import annotations

import io
import os
import subprocess
import sys

from rich.console import Console

from sweep.cli import bars


def test_the_time_left_is_not_cut_at_72_columns(monkeypatch):
    written = io.StringIO()
    monkeypatch.setattr(bars, "stderr", Console(file=written, force_terminal=True, width=72))
    with bars.progress() as shown:
        shown.add_task("training steps", total=1_000_000, completed=123_456)
        shown.refresh()
    line = next(line for line in written.getvalue().splitlines() if "1000000" in line)
    assert "123456/1000000" in line
    assert "left" in line


def test_a_row_in_a_pipe_is_a_line_whatever_its_length():
    """At 80 columns names were folded, and grep found none."""
    code = (
        "from sweep.cli.terminal import stdout, table; stdout.print(table('', 'abcd', [['schedule=' + 40 * 'x'] * 4]))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert [line.split() for line in shown.stdout.splitlines()] == [list("abcd"), ["schedule=" + 40 * "x"] * 4]
