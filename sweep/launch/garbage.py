"""Files of runs that nothing needs any more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from sweep.store import Store, artifacts

RUNS = "runs"
# A file that was just written may be recorded a moment from now; one that was just superseded may still be read.
SPARED_SECONDS = 3600.0


def garbage(store: Store, files: Path, *, now: float | None = None) -> Iterator[Path]:
    """Files under `runs/` that the store does not name and that are older than an hour.

    Args:
        store: Every study that uses this folder is in it.
        files: The folder of files; extractors and references in it are never touched.
        now: Seconds since 1970; the clock's by default.
    """
    # Age first, names second: a file that is recorded between the two is spared by its age.
    before = (time.time() if now is None else now) - SPARED_SECONDS
    old = [
        path
        for path in sorted((files / RUNS).rglob("*"))
        if path.is_file() and not path.is_symlink() and path.stat().st_mtime < before
    ]
    named = {artifact.path for artifact in artifacts(store)}
    yield from (path for path in old if path.relative_to(files).as_posix() not in named)
