"""The results of a study as tidy pandas frames."""

from __future__ import annotations

from sweep.api.stored_study import stored_study
from sweep.reporting.frames.frames import StudyFrames, load_frames

__all__ = ["StudyFrames", "frames"]


def frames(name: str, *, storage: str | None = None, as_of: int | None = None) -> StudyFrames:
    """Read the results of a study into pandas frames.

    Args:
        name: Name of the study.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.
        as_of: Revision of the study at which it is read; None for the newest. Cells that later revisions added are
            left out.

    Returns:
        The frames `cells`, `scores`, `curves`, `attempts`, `arms`, `rungs`, `workers` and `grids`, and facts about the
        study such as `metric`. `sweep docs python-api` describes every column.

    Raises:
        UsageError: There is no such study.
        StoreError: There is no database, it cannot be read, or the study has no such revision.

    Example:
        scores = sweep.frames("digits").scores
        scores[scores["is_primary"] & (scores["metric"] == "fid")].groupby("arm")["value"].mean()
    """
    with stored_study(name, storage) as (store, record):
        return load_frames(store.engine, record.name, as_of=as_of)
