"""Lines out of a pipe, whatever a process writes into it."""

from __future__ import annotations

import os
from collections.abc import Iterator

_CHUNK_BYTES = 65_536
# A line that is longer is passed on in pieces: nothing bounds what a library prints.
MAX_LINE_BYTES = 8_192
# A terminal would obey them: escape sequences, bells, NUL.
_CONTROL = {code: None for code in (*range(32), 127, *range(128, 160)) if chr(code) != "\t"}


def lines_of(pipe: int) -> Iterator[str]:
    """Every line that is written into a pipe, until all who could write have closed it.

    Of a line that was written over by carriage returns, as bars of progress are, only the last state is given. Bytes
    that are no UTF-8 are replaced, control characters left out.

    Args:
        pipe: Its file descriptor.
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
    """What a terminal shows of a line so far; a return at its end may belong to a line's end."""
    start = line.rfind(b"\r", 0, len(line.rstrip(b"\r")))
    return line[start + 1 :]


def _shown(line: bytes) -> str:
    return _last_state(line).decode(errors="replace").translate(_CONTROL)
