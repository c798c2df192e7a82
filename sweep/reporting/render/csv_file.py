"""Frames as CSV files that are safe to open in a spreadsheet."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sweep.printable import spreadsheet_text


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame without its index.

    Numbers are written as they are. A text that a spreadsheet would take for a formula gets an apostrophe before it,
    and control characters are replaced: names and reasons come from study files of anybody.

    Args:
        frame: Columns named as in the first line.
        path: The file to make or to replace.

    Raises:
        OSError: It cannot be written.
    """
    frame.map(lambda cell: spreadsheet_text(cell) if isinstance(cell, str) else cell).to_csv(
        path, index=False, lineterminator="\n", encoding="utf-8"
    )
