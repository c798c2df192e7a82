"""Study files with what the command line sets: read, merged, and found again in the database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweep.api.stored_study import store_to_read
from sweep.commands import command
from sweep.config.composed_file import read_study_file
from sweep.config.overrides import parse_overrides
from sweep.config.study_file import study_in
from sweep.config.yaml_text import yaml_text
from sweep.errors import StoreMismatch, UsageError
from sweep.executors.register import is_same, with_known_images
from sweep.planning.plan import located
from sweep.store.studies.studies import study as stored_study

__all__ = ["is_study_file", "launched_name", "merged_study", "parse_overrides", "yaml_text"]

_SUFFIXES = {".yaml", ".yml"}


def merged_study(path: str | os.PathLike[str], overrides: Mapping[str, object] | None = None) -> dict[str, Any]:
    """The values of a study file, of the files that it extends, and of overrides, merged and checked.

    Args:
        path: The study file.
        overrides: Dotted key -> value that replaces or adds to what the file says; None for none.

    Returns:
        What one study file would say instead of all of them, beside `path`.

    Raises:
        StudyFileError: A file or an override is wrong.
    """
    file = read_study_file(Path(path), overrides)
    study_in(file)
    return file.data


def is_study_file(name: str | os.PathLike[str]) -> bool:
    """Whether a study is given by the path of its file, and not by its name.

    Args:
        name: A name, or a path that ends in .yaml or .yml.
    """
    path = Path(name)
    # A study may have a name that ends so.
    return not isinstance(name, str) or (path.suffix in _SUFFIXES and (path.exists() or path.name != name))


def launched_name(
    path: str | os.PathLike[str], *, overrides: Mapping[str, object] | None = None, storage: str | None = None
) -> str:
    """The name of the study that was launched from a file.

    Args:
        path: The study file.
        overrides: Dotted key -> value that replaced or added to what the file says; None for none.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Raises:
        StudyFileError: The file or an override is wrong.
        UsageError: There is no study of this name.
        StoreMismatch: The study was launched with another content.
        StoreError: There is no database, or it cannot be read.
    """
    study = study_in(read_study_file(Path(path), overrides))
    study = located(study)
    with store_to_read(storage) as store:
        record = stored_study(store, study.name)
        if is_same(record, with_known_images(store, study)):
            return study.name
        raise StoreMismatch(
            f"study {study.name!r} was launched with another content than this file and these options have",
            why="A report shows what was launched.",
            next=f"{command('space diff', Path(path))} shows the change; for what was launched: "
            f"{command('report', study.name)}",
        )


def require_file_for(overrides: Mapping[str, object] | None, name: object) -> None:
    """Refuse values for a study that is given by its name.

    Args:
        overrides: The values; None or empty for none.
        name: The study, as it was given.

    Raises:
        UsageError: There are values.
    """
    if overrides:
        raise UsageError(
            f"-s changes a study file, and {name} is the name of a study",
            why="What was launched does not change in a report.",
            next="Give the study file: sweep report FILE -s KEY=VALUE",
        )
