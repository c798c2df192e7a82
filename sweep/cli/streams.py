"""Standard streams that may be closed, full, or unable to show a character: no command ends in a traceback for that."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from sweep.errors import OutputError, ReaderGone

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def prepare_streams() -> None:
    """Make the standard streams of this process safe to use.

    - A closed one is opened on the null device; else the next file that is opened, such as the database, would get its
      number, and be written to by whatever prints.
    - Characters that the terminal's encoding lacks are replaced.
    - What cannot be written to stdout is an `OutputError`. To stderr it is dropped: no study ends because of its log.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), "utf-8")
    # Those of somebody who calls us, such as a test, are theirs.
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text(_Data(1, "w", closefd=False), like=sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(_Progress(2, "w", closefd=False), like=sys.stderr, line_buffering=True)


def _text(raw: io.FileIO, *, like: TextIO | None, line_buffering: bool = False) -> io.TextIOWrapper:
    encoding = "utf-8" if like is None else like.encoding
    buffer = io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, encoding, "replace", line_buffering=line_buffering or raw.isatty())


class _Data(io.FileIO):
    """stdout. After a failure it swallows the rest, which Python would try to write once more as it ends."""

    _lost = False

    def write(self, data: ReadableBuffer, /) -> int:
        if self._lost:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except BrokenPipeError:
            self._lost = True
            raise ReaderGone("nobody reads the output any more") from None
        except OSError as error:
            self._lost = True
            raise OutputError(
                "the output could not be written",
                why=f"{error.strerror}.",
                next="What was done stays done; give the output another place, and type the same command.",
            ) from None


class _Progress(io.FileIO):
    """stderr."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes
