"""What launching an edited study file would change."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweep.api.stored_study import store_to_read
from sweep.executors.changes import Change, ImagesChange, images_change, study_changes, with_images_of
from sweep.planning.plan import read_study_plan

__all__ = ["Change", "StudyDifference", "difference"]


@dataclass(frozen=True)
class StudyDifference:
    """A study file beside the study in the database.

    Attributes:
        changes: One for each cell, unchanged cells (`kept`) included.
        images: What became of the images since the launch: `same`, `moved` or `changed`.
        images_path: The folder of images that the file names; None for a published data set.
    """

    changes: Sequence[Change]
    images: ImagesChange
    images_path: str | None


def difference(
    path: str | os.PathLike[str], *, overrides: Mapping[str, object] | None = None, storage: str | None = None
) -> StudyDifference:
    """Compare a study file with the study of its name in the database. Changes nothing.

    Args:
        path: The study file.
        overrides: Dotted key -> value that replaces or adds to what the file says; None for none.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Returns:
        The cells that a launch would add, change, drop and leave.

    Raises:
        StudyFileError: The file is wrong.
        UsageError: The study is not in the database.
        DataError: The images cannot be read.
        StoreError: There is no database, or it cannot be read.
    """
    plan = read_study_plan(Path(path), overrides=overrides)
    with store_to_read(storage) as store:
        plan = with_images_of(plan)
        return StudyDifference(study_changes(store, plan), images_change(store, plan), plan.study.baseline.data.path)
