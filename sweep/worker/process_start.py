"""Starting Python processes, so that they import nothing from the folder in which the command was typed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

# Folders in PYTHONPATH are still used: a user sets that variable on purpose.
SAFE_PATH_FLAG = "-P"
_SAFE_PATH_VARIABLE = "PYTHONSAFEPATH"


@contextmanager
def safe_path() -> Iterator[None]:
    """Give the processes that are started inside the context, and those that they start, a safe import path.

    `multiprocessing` starts `python -c`, which would find a user's `random.py`, `torch.py` or `sweep.py` first.
    """
    before = os.environ.get(_SAFE_PATH_VARIABLE)
    os.environ[_SAFE_PATH_VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH_VARIABLE]
        else:
            os.environ[_SAFE_PATH_VARIABLE] = before


def leave_deleted_folder() -> None:
    """Change to the root folder if the working folder was deleted: `multiprocessing` cannot start a process there."""
    try:
        os.getcwd()  # noqa: PTH109 - the same call that would fail there
    except OSError:
        os.chdir("/")
