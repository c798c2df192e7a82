"""Files that a part reads: a study names them by path, and a run is identified by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from sweep.errors import DataError

File = str
"""Type of a setting that names a file. A part receives its path, once the content was found to be that of the run."""


def pinned_file(value: object, folder: Path) -> dict[str, str]:
    """A file as a run stores it: `path`, from the root on, and the `sha256` of its content.

    Args:
        value: As a study names it: a path, or what this function returned before.
        folder: Folder in which a relative path begins.

    Raises:
        DataError: There is no such file, or it has another content than before.
    """
    written = value if isinstance(value, Mapping) else {"path": str(value)}
    path = folder / Path(written["path"])
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"{path}: cannot read this file of a data set",
            why=error.strerror or "",
            next="Correct the path: it begins in the folder of the study file.",
        ) from error
    if written.get("sha256", sha256) != sha256:
        raise DataError(
            f"{path} is another file than the study was launched with",
            why=f"Its sha256 is {sha256[:16]}..., not {written['sha256'][:16]}...",
            next="Bring the file back, or give the study a new name; sweep launch FILE --accept-change trains again.",
        )
    return {"path": str(path.absolute()), "sha256": sha256}


def checked_path(value: object) -> str:
    """The path of a file with the content of the run.

    Args:
        value: What `pinned_file` returned; a bare path is taken as it is.

    Raises:
        DataError: There is no such file, or it has another content.
    """
    return pinned_file(value, Path())["path"] if isinstance(value, Mapping) else str(value)


def problem_with_file(value: object) -> str | None:
    """Why a value names no file; None where it does.

    Args:
        value: A value as a study file, or a store, has it.
    """
    if isinstance(value, str) and value:
        return None
    if (
        isinstance(value, Mapping)
        and set(value) == {"path", "sha256"}
        and all(isinstance(v, str) for v in value.values())
    ):
        return None
    return f"found {value!r}; the path of a file is expected"
