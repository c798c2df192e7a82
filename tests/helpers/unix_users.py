"""Another Unix user, as far as this one may become it: root does; anybody else meets files that nobody may read."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

NOBODY = 65534
IS_ROOT = os.geteuid() == 0


def as_another_user(work: Callable[[], str], *, groups: Sequence[int] = ()) -> str:
    """What `work` returns, in a process of another user, who is in these groups."""
    request, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if IS_ROOT:
                os.setgroups(list(groups))
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            os.write(writing, work().encode())
        except BaseException:
            os.write(writing, traceback.format_exc().encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(request, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(child, 0)
    return text


def closed_to_others(path: Path) -> None:
    """A file that another user may not read; nor this one, where this one cannot become another."""
    path.chmod(0o600 if IS_ROOT else 0o000)
