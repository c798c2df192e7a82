"""The store of files behind a URL: each operation is tried again while the store does not answer."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sweep.errors import CheckpointError, FileStoreError
from sweep.files.atomic import NO_ROOM
from sweep.files.transfer import StoredFile, download, filesystem, list_files, remote_path, upload
from sweep.redaction import clean

T = TypeVar("T")
# On a filesystem, below a path.
_Operation = Callable[[Any, str], T]

PATIENCE_SECONDS = 600.0
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
# Waiting does not help against these.
_FINAL = (
    FileNotFoundError,
    FileExistsError,
    PermissionError,
    IsADirectoryError,
    NotADirectoryError,
    ValueError,
    ImportError,
    TypeError,
)


def never() -> bool:
    """The `give_up` of an operation that is tried for as long as there is patience."""
    return False


@dataclass(frozen=True)
class Remote:
    """A store of files that fsspec reaches.

    Every operation raises UnsafePath for a name that leads out of the store, and FileStoreError when the store refuses,
    or does not answer for as long as there is patience.

    Attributes:
        url: URL of the store, without credentials.
        patience_seconds: How long an operation is tried again, from its first failure.
    """

    url: str
    patience_seconds: float

    def send(self, source: Path, name: str, give_up: Callable[[], bool]) -> None:
        """Make a file of the store a copy of a file of this machine.

        Args:
            source: The file on this machine.
            name: Name of the file in the store.
            give_up: Called between two tries; True ends them.
        """
        self._patiently(
            f"cannot store {name}", lambda fs, root: upload(fs, source, remote_path(fs, root, name)), give_up
        )

    def bring(self, name: str, target: Path, sha256: str | None, give_up: Callable[[], bool] = never) -> None:
        """Make a file of this machine a copy of a file of the store.

        Args:
            name: Name of the file in the store.
            target: The file on this machine.
            sha256: That its bytes must have; None takes any.
            give_up: Called between two tries; True ends them.

        Raises:
            UnreadableCheckpoint: The bytes have another hash.
        """

        def get(fs: Any, root: str) -> None:
            download(fs, remote_path(fs, root, name), target, sha256)

        self._patiently(f"cannot fetch {name}", get, give_up)

    def listed(self, under: str) -> list[StoredFile]:
        """Every file below a folder of the store. Names are as they are there, unchecked."""
        return self._patiently("cannot list the files", lambda fs, root: list(list_files(fs, root, under)), never)

    def discard(self, name: str) -> str:
        """Delete a file, if there is one: it is needed no more, so one try is enough.

        Returns:
            Why it cannot be deleted; empty when it is gone.
        """
        fs, root = filesystem(self.url)
        remote = remote_path(fs, root, name)
        try:
            fs.rm_file(remote)
        except FileNotFoundError:
            return ""
        except Exception as error:  # what a store raises is not limited to one class
            return _first_line(error)
        return ""

    def _patiently(self, what: str, operation: _Operation[T], give_up: Callable[[], bool]) -> T:
        wait, deadline = FIRST_WAIT, None
        while True:
            try:
                return operation(*filesystem(self.url))
            except CheckpointError:
                raise
            except Exception as error:  # what a store raises is not limited to one class
                if isinstance(error, OSError) and error.errno in NO_ROOM:
                    raise
                # Patience counts from the first failure: this process may have been stopped during the try.
                deadline = deadline or time.monotonic() + self.patience_seconds
                if isinstance(error, _FINAL) or time.monotonic() > deadline or give_up():
                    what = f"{what} at {clean(self.url)}"
                    raise FileStoreError(what, why=_first_line(error), next="sweep doctor") from error
            time.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not secrets
            wait = min(2 * wait, LONGEST_WAIT)


def _first_line(error: Exception) -> str:
    return clean(f"{type(error).__name__}: {error}".splitlines()[0])
