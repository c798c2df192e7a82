"""Which versions of plugins a user has said may be run: a list of hashes in the user's own folder."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import platformdirs


def trusted_plugins() -> frozenset[str]:
    """Hashes of the sources that this user trusts; none where there is no list."""
    try:
        return frozenset(_list().read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError):
        return frozenset()


def trust_plugins(hashes: Iterable[str]) -> None:
    """Remember that this user trusts sources.

    Args:
        hashes: Hashes of the sources.

    Raises:
        OSError: The list cannot be written.
    """
    if new := sorted(set(hashes) - trusted_plugins()):
        _list().parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(_list(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "a", encoding="ascii") as file:
            file.writelines(f"{sha256}\n" for sha256 in new)


def _list() -> Path:
    return platformdirs.user_data_path("ddpm-sweep") / "trusted-plugins"
