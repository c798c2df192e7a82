"""Which source code is running: the commit, and whether files were changed since."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import sweep


@cache
def source_state() -> dict[str, object]:
    """The state of the source code of this package.

    Returns:
        `version` of the package; `commit` of its git checkout, None outside one; `dirty`, whether its files differ from
        that commit.
    """
    folder = Path(sweep.__file__).parent
    commit = _git(folder, "rev-parse", "HEAD")
    return {
        "version": sweep.__version__,
        "commit": commit,
        "dirty": bool(_git(folder, "status", "--porcelain", "--", ".")) if commit else None,
    }


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - whichever git the person uses
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
