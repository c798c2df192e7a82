"""Starting Python processes: what they must not take over from the folder in which the command was typed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

# What PYTHONPATH names is still imported from: a user sets that on purpose.
SAFE_PATH_FLAG = "-P"
_SAFE_PATH_VARIABLE = "PYTHONSAFEPATH"


@contextmanager
def safe_path() -> Iterator[None]:
    """Processes that are started meanwhile, and all that these start, have a safe path.

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
    """Go to the root folder where the working folder was deleted: `multiprocessing` starts nothing from one."""
    try:
        os.getcwd()  # noqa: PTH109 - the same call that would fail there
    except OSError:
        os.chdir("/")
