"""What a worker writes on its stderr reaches its launcher, and never stops either."""

from __future__ import annotations

import os
import threading

import pytest

from sweep.executors.lines import MAX_LINE_BYTES, lines_of


def read(written: bytes) -> list[str]:
    theirs, ours = os.pipe()

    def write() -> None:
        with os.fdopen(ours, "wb") as pipe:
            pipe.write(written)

    writer = threading.Thread(target=write)
    writer.start()
    found = list(lines_of(theirs))
    writer.join()
    os.close(theirs)
    return found


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"one\ntwo\n", ["one", "two"]),
        (b"no end", ["no end"]),
        (b"\n\n", ["", ""]),
        (b"from Windows\r\n", ["from Windows"]),
        (b"caf\xe9\n\xff\xfe\n", ["caf\ufffd", "\ufffd\ufffd"]),
        ("\u03b2 \U0001f9ea\n".encode(), ["\u03b2 \U0001f9ea"]),
        (b"a\x00b\x1b[31mred\x07\tc\n", ["ab[31mred\tc"]),
        (b" 10%\r 20%\r100%\ndone\n", ["100%", "done"]),
        (b" 10%\r 20%\r", [" 20%"]),
    ],
    ids=repr,
)
def test_lines_are_what_a_terminal_would_show(written: bytes, shown: list[str]) -> None:
    assert read(written) == shown


def test_a_line_without_an_end_is_passed_on_in_pieces_and_a_bar_without_an_end_in_none() -> None:
    pieces = read(b"x" * (10 * MAX_LINE_BYTES + 5))
    assert sum(map(len, pieces)) == 10 * MAX_LINE_BYTES + 5
    assert max(map(len, pieces)) <= MAX_LINE_BYTES
    assert read(b"".join(b"\r%06d of a million" % step for step in range(100_000))) == ["099999 of a million"]
