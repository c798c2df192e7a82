"""What every section reads: one study, compared once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
from sqlalchemy import Engine

from sweep.errors import StoreError
from sweep.files.file_store import file_store_at
from sweep.reporting.figures.style import LineStyle, arm_styles
from sweep.reporting.formatting import decimals_for
from sweep.reporting.frames.frames import StudyFrames, load_frames
from sweep.reporting.frames.study_ref import FILES_VARIABLE, STORE_VARIABLE
from sweep.reporting.metrics import direction_of, short_label_of
from sweep.reporting.stats.comparison import Comparison, compare_arms
from sweep.reporting.stats.contrasts import own_contrasts
from sweep.reporting.stats.dose_response import DoseResponse, dose_responses
from sweep.reporting.stats.own_best import OwnBest, own_best
from sweep.reporting.stats.search_claims import search_claims
from sweep.reporting.stats.variance import VarianceSplit, split_of
from sweep.store.opening import read_store


@dataclass(frozen=True)
class ReportedStudy:
    """A study as read from the store, and the folder of its files."""

    frames: StudyFrames
    files_root: Path

    @cached_property
    def comparison(self) -> Comparison:
        """The deciding score of every arm against the baseline."""
        return compare_arms(self.frames)

    @cached_property
    def contrasts(self) -> pd.DataFrame:
        """The comparisons of the design's own question, as `own_contrasts` returns them."""
        return own_contrasts(self.frames, self.comparison)

    @cached_property
    def dose_responses(self) -> list[DoseResponse]:
        """One for each numeric factor of a design that changes one factor at a time."""
        return dose_responses(self.frames, self.comparison)

    @cached_property
    def search_claims(self) -> pd.DataFrame:
        """What a search claimed and fresh seeds say, as `search_claims` returns it; empty for other designs."""
        return search_claims(self.frames, self.comparison)

    @cached_property
    def own_best(self) -> OwnBest | None:
        """The comparison of the arms each at its own best evaluation level; None where no study asks for it."""
        return own_best(self.frames)

    @cached_property
    def split(self) -> VarianceSplit:
        """Sources of its variance."""
        return split_of(self.frames)

    @cached_property
    def styles(self) -> dict[str, LineStyle]:
        """How each arm is drawn."""
        return arm_styles(self.comparison.arms["arm"].tolist())

    @property
    def decimals(self) -> int:
        """Decimals of the deciding score that carry information."""
        return decimals_for(self.comparison.decimals_at)

    @property
    def answered_by_curves(self) -> bool:
        """Whether a curve answers the whole question: the only scientific factor is a number with enough levels."""
        factors = {arm.partition("=")[0] for arm in self.comparison.compared["arm"]}
        return len(factors) == 1 and [each.factor for each in self.dose_responses] == [*factors]

    @property
    def score(self) -> str:
        """Name of the deciding score in sentences, e.g. `FCD`."""
        return short_label_of(self.comparison.metric, self.frames.protocol)

    @property
    def direction(self) -> str:
        """`lower is better`, or the other."""
        return direction_of(self.comparison.metric)


def open_study(name: str, *, as_of: int | None = None) -> ReportedStudy:
    """The study, from the store and files folder that the environment names; a notebook never holds a password.

    Args:
        name: Name of the study.
        as_of: Revision to read; None for the newest.

    Raises:
        StoreError: The environment names no store.
        UsageError: The store has no such study.
    """
    url = os.environ.get(STORE_VARIABLE)
    if not url:
        raise StoreError(
            "the address of the store is missing",
            why="It may hold a password, so the notebook reads it from the environment.",
            next=f"Set {STORE_VARIABLE} (and {FILES_VARIABLE}, the folder of its files) and run the notebook again.",
        )
    return read_study(
        read_store(url).engine, name, files_root=file_store_at(os.environ.get(FILES_VARIABLE, ".")).folder, as_of=as_of
    )


def read_study(engine: Engine, name: str, *, files_root: Path, as_of: int | None = None) -> ReportedStudy:
    """The same, from an engine.

    Args:
        engine: Connection to the store.
        name: Name of the study.
        files_root: Folder of the file store.
        as_of: Revision to read; None for the newest.
    """
    return ReportedStudy(load_frames(engine, name, as_of=as_of), files_root)
