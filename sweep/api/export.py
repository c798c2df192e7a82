"""The frames of a study as files."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.api.frames import frames
from sweep.api.outputs import output_errors
from sweep.reporting.render.csv_file import write_csv

if TYPE_CHECKING:
    import pandas as pd


class FrameFormat(StrEnum):
    """Formats of the files."""

    PARQUET = "parquet"
    CSV = "csv"


def export(
    name: str,
    *,
    storage: str | None = None,
    out: str | os.PathLike[str] | None = None,
    formats: Collection[FrameFormat | str] = tuple(FrameFormat),
) -> list[Path]:
    """Write the frames cells, scores, curves and attempts of a study as files.

    Args:
        name: Name of the study.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.
        out: Folder to write; None for `NAME-export`.
        formats: `parquet`, `csv`, or both.

    Returns:
        The files that were written.

    Raises:
        UsageError: There is no such study.
        StoreError: There is no database, or it cannot be read.
        OutputError: The folder cannot be written.

    Example:
        api.export.export("digits", formats=["parquet"])
    """
    study_frames = frames(name, storage=storage)
    folder = Path(out) if out is not None else Path(f"{name}-export")
    written = []
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for frame_name in ("cells", "scores", "curves", "attempts"):
            frame = _with_json_text(getattr(study_frames, frame_name))
            for frame_format in map(FrameFormat, formats):
                path = folder / f"{frame_name}.{frame_format.value}"
                if frame_format is FrameFormat.PARQUET:
                    frame.to_parquet(path, index=False)
                else:
                    write_csv(frame, path)
                written.append(path)
    return written


def _with_json_text(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with JSON text where a column holds mappings: formats of tables keep mappings in different ways."""
    nested = [name for name in frame.columns if frame[name].map(lambda value: isinstance(value, dict | list)).any()]
    return frame.assign(**{name: frame[name].map(lambda v: json.dumps(v, sort_keys=True)) for name in nested})
