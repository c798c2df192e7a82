"""One file up, one file down, and a listing, on any filesystem of fsspec. Nothing is ever seen in part."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sweep.errors import UnreadableCheckpoint, UnsafePath, UsageError
from sweep.files.atomic import atomic_file
from sweep.files.contained import contained, unsafe_reason
from sweep.files.sharing import SHARED_FILE, is_shared, make_folder
from sweep.redaction import clean

# Here an upload appears whole or not at all; elsewhere it is written beside its place and renamed.
OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"})
# These follow links, which another writer of a shared folder may have made.
FOLDERS = frozenset({"file", "local"})


@dataclass(frozen=True)
class StoredFile:
    """A file of a file store.

    Attributes:
        path: Relative to the file store, as the database names it.
        where: The whole path or URL.
        bytes: Size.
        modified: Seconds since 1970.
    """

    path: str
    where: str
    bytes: int
    modified: float


def filesystem(url: str) -> tuple[Any, str]:
    """The filesystem of a URL, and the path on it."""
    from fsspec.core import url_to_fs  # not at the start: most studies lie in a folder

    # Other machines write: a listing that was kept would be of the past. fsspec keeps one filesystem for each process.
    fs, root = url_to_fs(url, use_listings_cache=False)
    return fs, root.rstrip("/")


def checked_url(where: str) -> str:
    """The URL of a store, if it is bare and this installation has a filesystem for it.

    Raises:
        UsageError: The URL holds credentials, or no fsspec filesystem is installed for it.
    """
    url = where.rstrip("/")
    if clean(url) != url or "@" in url.partition("://")[2].partition("/")[0] or "?" in url:
        raise UsageError(
            "the URL of the files must not hold credentials",
            why="Reports, process lists and other users would see them.",
            next="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or ~/.config/fsspec) and leave the URL bare.",
        )
    try:
        filesystem(url)
    except (ValueError, ImportError) as error:
        raise UsageError(
            f"no files can be kept at {url}", why=str(error).splitlines()[0], next="For S3: pip install ddpm-sweep[s3]"
        ) from error
    return url


def shared_folder(url: str | None) -> Iterator[Path]:
    """The folder that a `file://` URL names; nothing for any other store, and for none."""
    if url is not None:
        fs, root = filesystem(url)
        if _protocols(fs) & FOLDERS:
            yield Path(root)


def upload(fs: Any, source: Path, target: str) -> None:
    """Make `target` a copy of a file here.

    Args:
        fs: The filesystem.
        source: The file to copy.
        target: The copy.
    """
    if _protocols(fs) & OBJECT_STORES:
        fs.put_file(str(source), target)
        return
    folder, temporary = target.rpartition("/")[0], f"{target}.{uuid4().hex}.tmp"
    is_folder = bool(_protocols(fs) & FOLDERS)
    make_folder(Path(folder)) if is_folder else fs.makedirs(folder, exist_ok=True)
    try:
        fs.put_file(str(source), temporary)
        if is_folder and is_shared(Path(folder)):
            Path(temporary).chmod(SHARED_FILE)
        fs.mv(temporary, target)
    except BaseException:
        if fs.exists(temporary):
            fs.rm_file(temporary)
        raise


def download(fs: Any, source: str, target: Path, sha256: str | None) -> None:
    """Make a file here a copy of `source`; its bytes must have the hash, if there is one.

    Args:
        fs: The filesystem.
        source: The file to copy.
        target: The copy.
        sha256: SHA-256 that the bytes must have, hexadecimal; None takes any.
    """
    with fs.open(source, "rb") as remote, atomic_file(target) as local:
        shutil.copyfileobj(remote, local, 1 << 20)
        local.seek(0)
        digest = hashlib.file_digest(local, "sha256").hexdigest()
        if sha256 is not None and digest != sha256:
            raise UnreadableCheckpoint(
                f"{target.name} in the store of files is damaged",
                why=f"its sha256 is {digest[:16]}..., not {sha256[:16]}...",
                next="an earlier checkpoint is used where there is one; otherwise the run starts again",
            )


def remote_path(fs: Any, root: str, name: str) -> str:
    """Where a file lies on a filesystem.

    Args:
        fs: The filesystem.
        root: The store's path on it.
        name: The file's path below that.

    Raises:
        UnsafePath: The file would lie outside the store.
    """
    if _protocols(fs) & FOLDERS:
        contained(Path(root), name)
    elif reason := unsafe_reason(name):
        raise UnsafePath(f"{name!a} is refused as the name of a file", why=f"{reason[:1].upper()}{reason[1:]}.")
    return f"{root}/{name}"


def list_files(fs: Any, root: str, under: str) -> Iterator[StoredFile]:
    """Every file below a folder of a filesystem, whatever its name is. Links and special files are left out.

    Args:
        fs: The filesystem.
        root: The store's path on the filesystem.
        under: Folder below the store.
    """
    for path, info in sorted(fs.find(f"{root}/{under}", detail=True).items()):
        if info.get("islink") or info.get("type", "file") != "file":
            continue
        relative = path.removeprefix(f"{root}/")
        yield StoredFile(relative, fs.unstrip_protocol(path), int(info["size"]), _modified(fs, path, info))


def _modified(fs: Any, path: str, info: dict[str, Any]) -> float:
    # Each kind of store has its own name for it.
    modified = next((info[key] for key in ("LastModified", "mtime", "last_modified", "updated") if key in info), None)
    if not isinstance(modified, datetime | float | int):
        modified = fs.modified(path)
    return modified.timestamp() if isinstance(modified, datetime) else float(modified)


def _protocols(fs: Any) -> frozenset[str]:
    return frozenset([fs.protocol] if isinstance(fs.protocol, str) else fs.protocol)
