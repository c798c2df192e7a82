"""Sources of plugins in the file store: archived at launch, and read there by workers and repetitions of a run."""

from __future__ import annotations

from sweep.errors import DataError
from sweep.files.atomic import write_atomically
from sweep.files.file_store import FileStore
from sweep.plugins.source import PluginSource, source_from

PLUGINS = "plugins"


def archive_source(files: FileStore, source: PluginSource) -> None:
    """Put the source of a plugin into the file store, under its hash, unless it is there.

    Args:
        files: The file store.
        source: The source.

    Raises:
        FileStoreError: The store refuses it, or does not answer.
        DataError: Something else is there under that hash.
    """
    path = _path(source.sha256)
    try:
        archived_source(files, source.sha256)
    except FileNotFoundError:
        write_atomically(files.path(path), source.as_text().encode())
        files.put(path)


def archived_source(files: FileStore, sha256: str) -> PluginSource:
    """The source of a plugin from the file store, checked by its hash.

    Args:
        files: The file store.
        sha256: Hash of the source.

    Raises:
        FileNotFoundError: It is not there.
        DataError: What is there is another version, or damaged.
        FileStoreError: The store does not answer.
    """
    files.pull(PLUGINS, lambda name: name == f"{sha256}.json")
    return source_from(files.path(_path(sha256)).read_text(encoding="utf-8"), sha256)


def required_source(files: FileStore, sha256: str) -> PluginSource:
    """As `archived_source`, where a source that is missing is an error of the data.

    Args:
        files: The file store.
        sha256: Hash of the source.

    Raises:
        DataError: It is not there, is another version, or is damaged.
        FileStoreError: The store does not answer.
    """
    try:
        return archived_source(files, sha256)
    except FileNotFoundError:
        raise DataError(
            f"the source of the plugin with hash {sha256[:16]} is not in the files at {files}",
            why="A launch archives it there; the files are others, or were deleted.",
            next="Give the files of the launch: --files, or SWEEP_FILES.",
        ) from None


def _path(sha256: str) -> str:
    return f"{PLUGINS}/{sha256}.json"
