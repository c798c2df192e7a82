"""Bars fit the narrowest terminals, with the time left in full."""

from __future__ import annotations

import io

from rich.console import Console

from sweep.cli import terminal


def test_the_time_left_is_not_cut_at_72_columns(monkeypatch):
    written = io.StringIO()
    monkeypatch.setattr(terminal, "stderr", Console(file=written, force_terminal=True, width=72))
    with terminal.progress() as bars:
        bars.add_task("training steps", total=1_000_000, completed=123_456)
        bars.refresh()
    line = next(line for line in written.getvalue().splitlines() if "1000000" in line)
    assert "123456/1000000" in line
    assert "left" in line
