"""Where the files of runs lie: a folder, and behind it, for machines that share none, any store that fsspec reaches.

With a URL each machine works in a folder of its own. A file goes up before the database names it, whole and under a
name that is never used twice, and comes down only if its bytes have the hash that the database holds. Credentials and
endpoints are read where the cloud's own tools read them (AWS_*, GOOGLE_*, ~/.config/fsspec), so that no URL holds any.

A name that comes from a listing or from the database is checked (`sweep/files/contained.py`) before it is read, written
or deleted: whoever may write to the bucket, the shared folder or the database must reach no file outside the folder.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sweep.errors import FileStoreError, UnreadableCheckpoint, UnsafePath
from sweep.files.atomic import write_atomically
from sweep.files.contained import contained
from sweep.files.file_names import EXTRACTORS, RUNS
from sweep.files.hashes import sha256_of_file
from sweep.files.listings import finished_names, local_files, remote_names
from sweep.files.remote import PATIENCE_SECONDS, Remote, never
from sweep.files.sharing import access_problem, make_folder, sharing_commands
from sweep.files.transfer import StoredFile, checked_url, shared_folder

CHECK_BYTES = 65_536


@dataclass(frozen=True)
class FileStore:
    """A folder of files, with or without a store behind it.

    Attributes:
        folder: Where this machine reads and writes.
        url: URL of the store that machines share; None where that is the folder itself.
        patience_seconds: How long a store that does not answer is tried again.
    """

    folder: Path
    url: str | None = None
    patience_seconds: float = PATIENCE_SECONDS

    def path(self, name: str) -> Path:
        """Where a file, or a folder of files, lies on this machine.

        Args:
            name: Relative to the file store, as the database or a listing names it.

        Raises:
            UnsafePath: The name leads out of the folder.
        """
        return contained(self.folder, name)

    def put(self, path: str, *, give_up: Callable[[], bool] = never) -> None:
        """Send a file of the folder to where other machines find it.

        Args:
            path: Path of the file, relative to the file store. A name that was never used for other bytes.
            give_up: Called between two tries; True ends them.

        Raises:
            FileStoreError: The store refuses it, or does not answer.
            UnsafePath: The name leads out of the folder.
        """
        source = self.path(path)
        if self._remote is not None:
            self._remote.send(source, path, give_up)

    def fetch(self, path: str, sha256: str, *, give_up: Callable[[], bool] = never) -> Path:
        """The file here, brought from the store where it is missing or damaged. Without a URL it is not looked at.

        Args:
            path: Path of the file, relative to the file store.
            sha256: SHA-256 that its bytes must have, hexadecimal.
            give_up: Called between two tries; True ends them.

        Raises:
            UnreadableCheckpoint: The store does not have it, or has other bytes, or it is no regular file.
            UnsafePath: The name leads out of the folder.
            FileStoreError: The store does not answer.
        """
        local = self.path(path)
        if local.exists() and not local.is_file():
            raise UnreadableCheckpoint(f"{path} is no file", why=f"There is something else at {local}.")
        if self._remote is None or (local.is_file() and sha256_of_file(local) == sha256):
            return local
        try:
            self._remote.bring(path, local, sha256, give_up)
        except FileStoreError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise UnreadableCheckpoint(f"{path} is not in the store of files", why=error.why) from error
            raise
        return local

    def pull(self, under: str, wanted: Callable[[str], bool]) -> None:
        """Bring the files below a folder whose names are wanted and that are not here yet.

        Names that lead out of the folder are passed over, with a warning in the log.

        Args:
            under: Folder below the file store.
            wanted: Whether a file of this name is brought.

        Raises:
            FileStoreError: The store does not answer.
        """
        if self._remote is not None:
            for path in remote_names(self._remote, under) - finished_names(self._local_files(under)):
                if wanted(Path(path).name):
                    self._remote.bring(path, self.path(path), None)

    def push(self, under: str) -> None:
        """Send the files below a folder that the store does not have, those written last at the end.

        Raises:
            FileStoreError: The store refuses one, or does not answer.
        """
        if self._remote is not None:
            new = finished_names(self._local_files(under)) - remote_names(self._remote, under)
            for path in sorted(new, key=lambda path: (self.folder / path).stat().st_mtime_ns):
                self.put(path)

    def listed(self, under: str) -> Iterator[StoredFile]:
        """Every file below a folder: those here, then those in the store. Names there are as they are, unchecked."""
        yield from self._local_files(under)
        if self._remote is not None:
            yield from self._remote.listed(under)

    def is_cached(self, stored: StoredFile) -> bool:
        """Whether what `listed` gave is this machine's copy of what machines share."""
        return self.url is not None and stored.where == str(self.folder / stored.path)

    def delete(self, stored: StoredFile) -> str:
        """Delete what `listed` gave. What is gone already is no error.

        Returns:
            Why it cannot be deleted; empty when it is gone.

        Raises:
            UnsafePath: The name leads out of the folder or the store.
        """
        path = self.path(stored.path)
        return _unlinked(path) if stored.where == str(path) else self.discard(stored.path)

    def discard(self, path: str) -> str:
        """Delete a file in the store, if there is one: it is needed no more, so one try is enough.

        Returns:
            Why it cannot be deleted; empty when it is gone.

        Raises:
            UnsafePath: The name leads out of the folder or the store.
        """
        self.path(path)
        return "" if self._remote is None else self._remote.discard(path)

    def remove(self, path: str) -> str:
        """Delete a file that is needed no more, on this machine and in the store.

        Returns:
            Why it cannot be deleted; empty when it is gone.
        """
        try:
            return _unlinked(self.path(path)) or self.discard(path)
        except UnsafePath as error:
            return error.why

    def refuses(self) -> str:
        """Why this machine can write no file here, or nothing."""
        try:
            make_folder(self.folder)
            handle, name = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".tmp")
            os.close(handle)
            Path(name).unlink()
        except OSError as error:
            return f"{self.folder}: {error.strerror}"
        return ""

    def require_access(self) -> None:
        """Refuse to work with files that are another user's.

        Raises:
            FileStoreError: Another user's files lie in the folder, or in the shared folder behind the URL, and this
                user may not read them, or not write beside them.
        """
        for folder in (self.folder, *shared_folder(self.url)):
            if problem := access_problem(folder, (RUNS, EXTRACTORS)):
                raise FileStoreError(
                    f"the files in {folder} cannot be used by this user",
                    why=problem,
                    next=f"To share them with a group, their owner types: {sharing_commands(folder)}",
                )

    def check(self) -> str:
        """Write and delete a file that is large enough for a full disk to refuse it: why that fails, or nothing."""
        name = f".written-by-doctor-{uuid4().hex}"
        try:
            make_folder(self.folder)
            write_atomically(self.folder / name, bytes(CHECK_BYTES))
            self.put(name, give_up=lambda: True)
            self.discard(name)
        except OSError as error:
            return f"{self.folder}: {error.strerror}"
        except FileStoreError as error:
            return f"{error.what}: {error.why}"
        finally:
            (self.folder / name).unlink(missing_ok=True)
        return ""

    def __str__(self) -> str:
        """Where the files are, as `file_store_at` takes it."""
        return str(self.folder) if self.url is None else self.url

    @property
    def _remote(self) -> Remote | None:
        return None if self.url is None else Remote(self.url, self.patience_seconds)

    def _local_files(self, under: str) -> Iterator[StoredFile]:
        return local_files(self.folder, self.path(under) if under else self.folder)


def _unlinked(path: Path) -> str:
    """Why a file cannot be deleted; empty when it is gone."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def file_store_at(where: str) -> FileStore:
    """The file store at a folder, or at a URL: then this machine works in a folder of the user's cache.

    Raises:
        UsageError: The URL holds credentials, or no fsspec filesystem is installed for it.
    """
    if "://" not in where:
        return FileStore(Path(os.path.abspath(Path(where).expanduser())))  # noqa: PTH100 - resolve() would follow links
    url = checked_url(where)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser().absolute()
    return FileStore(cache / "ddpm-sweep" / hashlib.sha256(url.encode()).hexdigest()[:16], url)
