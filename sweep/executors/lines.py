"""Reading lines from a pipe, whatever a process writes into it."""

from __future__ import annotations

import os
from collections.abc import Iterator

_CHUNK_BYTES = 65_536
# A longer line is given in pieces: a library may print without any line feed.
MAX_LINE_BYTES = 8_192
# Characters that a terminal would obey: escape sequences, bells, NUL.
_CONTROL = {code: None for code in (*range(32), 127, *range(128, 160)) if chr(code) != "\t"}


def lines_of(pipe: int) -> Iterator[str]:
    """Every line that is written into a pipe, until all writers have closed it.

    Of a line that carriage returns overwrite, such as a bar of progress, only the last state is given. Bytes that are
    not UTF-8 are replaced, and control characters are left out.

    Args:
        pipe: File descriptor of the reading end.

    Yields:
        A line without its end, at most 8,192 bytes of it.
    """
    rest = b""
    while chunk := os.read(pipe, _CHUNK_BYTES):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (_shown(line) for line in whole)
        rest = _last_state(rest)
        while len(rest) > MAX_LINE_BYTES:
            yield _shown(rest[:MAX_LINE_BYTES])
            rest = rest[MAX_LINE_BYTES:]
    if rest:
        yield _shown(rest)


def _last_state(line: bytes) -> bytes:
    """The part of a line that a terminal shows. A carriage return at its end may belong to the end of the line."""
    start = line.rfind(b"\r", 0, len(line.rstrip(b"\r")))
    return line[start + 1 :]


def _shown(line: bytes) -> str:
    return _last_state(line).decode(errors="replace").translate(_CONTROL)
