"""Files and folders that a verb writes where the user said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweep.errors import OutputError


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn what a disk or a path refuses while something is written into an error with its reason.

    Args:
        path: What `--out` named, or its default.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written",
            why=f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.",
            next="Make room, or name another place: --out PATH.",
        ) from error
