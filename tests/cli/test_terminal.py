"""Bars fit the narrowest terminals, with the time left in full; tables in a pipe have a line for a row."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys

import pytest
from rich.console import Console

from sweep.cli import bars
from sweep.console_log import ConsoleHandler, log_to_console


def test_the_time_left_is_not_cut_at_72_columns(monkeypatch):
    written = io.StringIO()
    monkeypatch.setattr(bars, "stderr", Console(file=written, force_terminal=True, width=72))
    with bars.progress_bars() as shown:
        shown.add_task("training steps", total=1_000_000, completed=123_456)
        shown.refresh()
    line = next(line for line in written.getvalue().splitlines() if "1000000" in line)
    assert "123456/1000000" in line
    assert "left" in line


def test_a_row_in_a_pipe_is_a_line_whatever_its_length():
    """At 80 columns names were folded, and grep found none."""
    code = "from sweep.cli.terminal import print_table; print_table('', 'abcd', [['schedule=' + 40 * 'x'] * 4])"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert [line.split() for line in shown.stdout.splitlines()] == [list("abcd"), ["schedule=" + 40 * "x"] * 4]


@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), ValueError("closed"), RuntimeError("reentrant call"), SystemExit(1)]
)
def test_a_message_that_cannot_be_written_is_dropped(monkeypatch, error):
    """The terminal of a study may be closed before the study ends."""

    class Gone:
        def write(self, text):
            raise error

    monkeypatch.setattr(sys, "stderr", Gone())
    ConsoleHandler().emit(logging.makeLogRecord({"msg": "trained"}))


def test_messages_are_printed_once_and_as_they_are(capsys):
    log_to_console()
    log_to_console()
    logging.getLogger("sweep.worker").info("[bold]run 3: 50% trained\x1b[2J")
    logging.getLogger("sweep.worker").debug("more than a user wants")
    assert capsys.readouterr().err == "[bold]run 3: 50% trained\N{REPLACEMENT CHARACTER}[2J\n"
