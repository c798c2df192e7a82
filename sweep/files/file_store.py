"""Where the files of runs lie: a folder, and behind it, for machines that share none, any store that fsspec reaches.

With a URL each machine works in a folder of its own. A file goes up before the database names it, whole and under a
name that is never used twice, and comes down only if its bytes have the hash that the database holds. Credentials and
endpoints are read where the cloud's own tools read them (AWS_*, GOOGLE_*, ~/.config/fsspec), so that no URL holds any.

A name that comes from a listing or from the database is checked (`sweep/files/contained.py`) before it is read, written
or deleted: whoever may write to the bucket, the shared folder or the database must reach no file outside the folder.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sweep.errors import FileStoreError, UnreadableCheckpoint, UnsafePath, UsageError
from sweep.files.atomic import write_atomically
from sweep.files.contained import contained, unsafe_reason
from sweep.files.file_names import EXTRACTORS, RUNS
from sweep.files.hashes import sha256_of_file
from sweep.files.remote import PATIENCE_SECONDS, Remote, never
from sweep.files.sharing import access_problem, make_folder, sharing_commands
from sweep.files.transfer import StoredFile, filesystem, shared_folder
from sweep.redaction import clean

CHECK_BYTES = 65_536
# Locks, and files that are being written.
_PASSING = re.compile(r"(^\.)|(\.lock$)|(\.tmp$)")

_log = logging.getLogger("sweep.store")


@dataclass(frozen=True)
class FileStore:
    """A folder of files, with or without a store behind it.

    Attributes:
        folder: Where this machine reads and writes.
        url: Of what machines share; None where that is the folder itself.
        patience_seconds: How long a store that does not answer is tried again.
    """

    folder: Path
    url: str | None = None
    patience_seconds: float = PATIENCE_SECONDS

    def path(self, name: str) -> Path:
        """Where a file, or a folder of files, lies on this machine.

        Args:
            name: Relative to the depot, as the database or a listing names it.

        Raises:
            UnsafePath: The name leads out of the folder.
        """
        return contained(self.folder, name)

    def put(self, path: str, *, give_up: Callable[[], bool] = never) -> None:
        """Send a file of the folder to where other machines find it.

        Args:
            path: Relative to the depot. A name that was never used for other bytes.
            give_up: Asked between two tries.

        Raises:
            FileStoreError: The store refuses it, or does not answer.
            UnsafePath: The name leads out of the folder.
        """
        source = self.path(path)
        if self._remote is not None:
            self._remote.send(source, path, give_up)

    def fetch(self, path: str, sha256: str, *, give_up: Callable[[], bool] = never) -> Path:
        """The file here, brought from the store where it is missing or damaged. Without a URL it is not looked at.

        Raises:
            UnreadableCheckpoint: The store does not have it, or has other bytes, or it is no regular file.
            UnsafePath: The name leads out of the folder.
            FileStoreError: The store does not answer.
        """
        here = self.path(path)
        if here.exists() and not here.is_file():
            raise UnreadableCheckpoint(f"{path} is no file", why=f"There is something else at {here}.")
        if self._remote is None or (here.is_file() and sha256_of_file(here) == sha256):
            return here
        try:
            self._remote.bring(path, here, sha256, give_up)
        except FileStoreError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise UnreadableCheckpoint(f"{path} is not in the store of files", why=error.why) from error
            raise
        return here

    def pull(self, under: str, wanted: Callable[[str], bool]) -> None:
        """Bring the files below a folder whose names are wanted and that are not here yet.

        Names that lead out of the folder are passed over, with a warning in the log.

        Raises:
            FileStoreError: The store does not answer.
        """
        if self._remote is not None:
            for path in self._names(self._remote, under) - self._names_here(under):
                if wanted(Path(path).name):
                    self._remote.bring(path, self.path(path), None)

    def push(self, under: str) -> None:
        """Send the files below a folder that the store does not have, those written last at the end.

        Raises:
            FileStoreError: The store refuses one, or does not answer.
        """
        if self._remote is not None:
            new = self._names_here(under) - self._names(self._remote, under)
            for path in sorted(new, key=lambda path: (self.folder / path).stat().st_mtime_ns):
                self.put(path)

    def listed(self, under: str) -> Iterator[StoredFile]:
        """Every file below a folder: those here, then those in the store. Names there are as they are, unchecked."""
        for path in sorted(self._below(under)):
            if path.is_file() and not path.is_symlink():
                found = path.stat()
                yield StoredFile(path.relative_to(self.folder).as_posix(), str(path), found.st_size, found.st_mtime)
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

    def _names(self, remote: Remote, under: str) -> set[str]:
        found = remote.listed(under)
        names = {stored.path for stored in found if not _PASSING.search(Path(stored.path).name)}
        unsafe = {name for name in names if unsafe_reason(name)}
        if unsafe:
            _log.warning("%s: %d names that lead out of it are passed over", clean(str(self.url)), len(unsafe))
        return names - unsafe

    def _names_here(self, under: str) -> set[str]:
        found = (path for path in self._below(under) if path.is_file() and not path.is_symlink())
        return {path.relative_to(self.folder).as_posix() for path in found if not _PASSING.search(path.name)}

    def _below(self, under: str) -> Iterator[Path]:
        return (self.path(under) if under else self.folder).rglob("*")


def _unlinked(path: Path) -> str:
    """Why a file cannot be deleted; empty when it is gone."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def file_store_at(where: str) -> FileStore:
    """The depot at a folder, or at a URL: then this machine works in a folder of the user's cache.

    Raises:
        UsageError: The URL holds credentials, or no fsspec filesystem is installed for it.
    """
    if "://" not in where:
        return FileStore(Path(os.path.abspath(Path(where).expanduser())))  # noqa: PTH100 - resolve() would follow links
    url = where.rstrip("/")
    if clean(url) != url or "@" in url.partition("://")[2].partition("/")[0] or "?" in url:
        raise UsageError(
            "the place of the files must not hold credentials",
            why="Reports, process lists and other users would see them.",
            next="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or ~/.config/fsspec) and leave the URL bare.",
        )
    try:
        filesystem(url)
    except (ValueError, ImportError) as error:
        raise UsageError(
            f"no files can be kept at {url}", why=str(error).splitlines()[0], next="For S3: pip install ddpm-sweep[s3]"
        ) from error
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser().absolute()
    return FileStore(cache / "ddpm-sweep" / hashlib.sha256(url.encode()).hexdigest()[:16], url)
