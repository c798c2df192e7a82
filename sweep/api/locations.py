"""Where a study's database and files are, when they are not named: the same for the command and for Python."""

from __future__ import annotations

import os

DEFAULT_FILES = "sweep-data"
DEFAULT_STORAGE = f"sqlite:///{DEFAULT_FILES}/sweep.db"


def absolute_url(url: str) -> str:
    """The URL of a database, with the absolute path of a SQLite file: workers and notebooks run in other folders.

    Args:
        url: URL of the database.

    Returns:
        The URL in the form that is recorded and compared.

    Raises:
        StoreUrlError: The text is not the URL of a database.
    """
    from sweep.config.store_url import parse_store_url

    return parse_store_url(url).text


def storage_url(storage: str | None) -> str:
    """The URL of the database that a verb uses.

    Args:
        storage: URL of the database; None for SWEEP_STORAGE, or else `sweep-data/sweep.db` in the current folder.

    Returns:
        The URL, with an absolute path.

    Raises:
        StoreUrlError: The text is not the URL of a database.
    """
    return absolute_url(storage or os.environ.get("SWEEP_STORAGE") or DEFAULT_STORAGE)


def files_location(files: str | os.PathLike[str] | None) -> str:
    """The folder or URL of the files that a verb uses.

    Args:
        files: Folder or URL; None for SWEEP_FILES, or else `sweep-data` in the current folder.

    Returns:
        The folder or URL as text.
    """
    return os.fspath(files) if files is not None else os.environ.get("SWEEP_FILES") or DEFAULT_FILES


def store_options(storage: str, files: str | None = None) -> list[str]:
    """The options with which another command finds the same database and files; none where it finds them by default.

    Args:
        storage: URL of the database. A password in it is masked.
        files: Folder or URL of the files, for a command that takes it; None for other commands.

    Returns:
        Words of the command line, such as `--storage` and its value.
    """
    from sweep.redaction import clean

    options = []
    if storage != storage_url(None):
        options += ["--storage", clean(storage)]
    if files is not None and files != files_location(None):
        options += ["--files", clean(files)]
    return options
