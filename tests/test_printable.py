"""No text of somebody else's steers a terminal, a log or a spreadsheet."""

from __future__ import annotations

import csv
import io
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.cli.console import SafeConsole, plain_table
from sweep.cli.terminal import print_error
from sweep.errors import SweepError
from sweep.printable import printable, spreadsheet_text
from sweep.reporting.render.csv_file import write_csv

HOSTILE = "\x1b[2J\x1b]0;title\x07 \x9b31m \u202etxt.exe \u2066 \x00 \x7f \r over \u2028"
SHOWN = set("\n\t")


@given(st.text())
def test_what_is_printable_holds_no_control_character_and_loses_nothing_else(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    for before, after in zip(text, shown, strict=True):
        if unicodedata.category(before) == "Cc" and before not in SHOWN:
            assert after == "\N{REPLACEMENT CHARACTER}"
        assert after in (before, "\N{REPLACEMENT CHARACTER}")
        assert unicodedata.bidirectional(after) not in {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}


def test_a_terminal_obeys_none_of_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for terminal in (True, False):
        written = io.StringIO()
        console = SafeConsole(file=written, force_terminal=terminal, width=500, highlight=False)
        console.print(HOSTILE, markup=False)
        console.print(plain_table(HOSTILE, [HOSTILE], [[HOSTILE]]))
        monkeypatch.setattr("sweep.cli.console.stderr", console)
        print_error(SweepError(HOSTILE, why=HOSTILE, next=HOSTILE))
        text = written.getvalue()
        assert not set("\x07\x9b\u202e\u2066\x00\x7f\r\u2028") & set(text)
        assert ("\x1b[" in text) is terminal  # rich's own colours
        assert not any(code in text for code in ("\x1b[2J", "\x1b]"))


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1+1", '=HYPERLINK("x")', "--1", "-", "+"]
)
def test_a_cell_that_begins_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert spreadsheet_text(cell).startswith("'")


@pytest.mark.parametrize("cell", ["", "lr=0.1", "-0.5", "+1e-3", ".5", "1.", "a-b", "x @ y", "'quoted'"])
def test_numbers_and_other_cells_stay_as_they_are(cell: str) -> None:
    assert spreadsheet_text(cell) == cell


def test_csv_files_hold_numbers_as_they_are_and_no_formula(tmp_path: Path) -> None:
    frame = pd.DataFrame({"arm": ["=1+1", HOSTILE, "lr=0.1"], "value": [-1.5, 2e-9, float("nan")], "n": [-1, 2, 3]})
    frame["mixed"] = [None, "@x", -3]
    write_csv(frame, tmp_path / "file.csv")
    with (tmp_path / "file.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1] == ["'=1+1", "-1.5", "-1", ""]
    assert rows[3] == ["lr=0.1", "", "3", "-3"]
    assert rows[2][3] == "'@x"
    assert not set("\x1b\x07\x9b\u202e\x00\r") & set((tmp_path / "file.csv").read_text(encoding="utf-8"))
