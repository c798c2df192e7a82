"""Text of other people as a terminal, a log or a spreadsheet may show it."""

from __future__ import annotations

import re

_SHOWN = "\N{REPLACEMENT CHARACTER}"
# A terminal obeys C0 and C1 (escape sequences, carriage returns, bells); signs of direction make a text read otherwise
# than it is; the separators break a line where nobody expects it.
_CONTROL = (
    set(range(0x20)) - {ord("\t"), ord("\n")} | set(range(0x7F, 0xA0)) | {0x061C, 0x200E, 0x200F, 0x2028, 0x2029}
) | {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_TABLE = dict.fromkeys(_CONTROL, _SHOWN)
# What spreadsheets take for the start of a formula, wide forms included.
_FORMULA = re.compile(r"\s*[=+\-@\t\r＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def printable(text: str) -> str:
    """The text with every character that a terminal would obey shown as a replacement character.

    Args:
        text: Any text; tabs and line feeds stay.
    """
    return text.translate(_TABLE)


def spreadsheet_text(text: str) -> str:
    """The text as a cell of a CSV file, with an apostrophe before it where a spreadsheet would take it for a formula.

    Args:
        text: Any text; one that is a number stays as it is.
    """
    # Before anything is replaced: a carriage return begins a formula, too.
    risky = _FORMULA.match(text) and not _NUMBER.fullmatch(text)
    return ("'" if risky else "") + printable(text)
