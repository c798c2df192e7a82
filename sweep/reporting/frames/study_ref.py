"""Which study a report is about, without its numbers. It loads quickly; the notebook's kernel loads the rest."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, exists, select

from sweep.config.data import DataConfig
from sweep.config.designs.base import Design
from sweep.config.values import COUNT
from sweep.errors import StoreError
from sweep.store import stored_config
from sweep.store.sql.schema import CELL, REVISION, STUDY
from sweep.store.sql.transaction import read_transaction
from sweep.store.states import Phase
from sweep.store.stored_config import plain_spec
from sweep.store.studies.unknown import no_such_study

STORE_VARIABLE, FILES_VARIABLE, REPORT_VARIABLE = "SWEEP_STORAGE", "SWEEP_FILES", "SWEEP_REPORT"


def report_folder() -> Path:
    """Folder of a report's files: that of the report that is being built, else the working folder."""
    return Path(os.environ.get(REPORT_VARIABLE, "."))


@dataclass(frozen=True, kw_only=True)
class StudyRef:
    """A study at one revision.

    Attributes:
        revisions: Rows of `revision`, oldest first; the last one is reported.
        has_trials: Some of its cells were exploratory.
    """

    id: int
    name: str
    question: str
    state: str
    revisions: Sequence[Mapping[str, Any]]
    has_trials: bool

    @property
    def design(self) -> Design:
        """The study's design.

        Raises:
            StoreMismatch: This version does not know it.
        """
        return stored_config.study_design(self.revisions[-1]["spec"].get("design", {}), of=self.name)

    @property
    def tunes_levels(self) -> bool:
        """Whether its arms are also compared each at its own best evaluation level."""
        return bool(self.revisions[-1]["spec"].get("evaluation"))

    @property
    def scores_earlier_weights(self) -> bool:
        """Whether runs are scored as they were before the end of their training, too."""
        return bool((self.revisions[-1]["spec"].get("protocol") or {}).get("along"))

    @property
    def data(self) -> Mapping[str, Any]:
        """The data of the baseline, as `DataConfig` has it."""
        data = self.revisions[-1]["spec"].get("baseline", {}).get("data", DataConfig().name)
        return {"name": data} if isinstance(data, str) else data

    @property
    def searched(self) -> bool:
        """Whether arms were looked for: by a search, a path, or the tuning of nuisance factors."""
        return self.design.arms_are_trials or self.has_trials

    @property
    def varies_numbers(self) -> bool:
        """Whether single factors take several numbers as levels, so that a curve answers."""
        if self.design.combines_levels or self.design.arms_are_trials:
            return False
        factors = self.revisions[-1]["spec"].get("factors", {}).values()
        scientific = [factor for factor in factors if factor.get("role") == "scientific"]
        return any(_are_numbers(factor.get("levels")) for factor in scientific)


def _are_numbers(levels: object) -> bool:
    """Whether a factor has two numeric levels or more, listed without names."""
    return isinstance(levels, list) and len(levels) > 1 and all(map(_is_number, levels))


def _is_number(level: object) -> bool:
    """Whether a level is a number, or one with a unit as `16k`."""
    if isinstance(level, str):
        return re.fullmatch(COUNT, level) is not None
    return isinstance(level, int | float) and not isinstance(level, bool)


def find_study_ref(engine: Engine, name: str, as_of: int | None = None) -> StudyRef:
    """The study of this name.

    Args:
        as_of: Revision to report; the newest where None.
        engine: Connection to the store.
        name: Name of the study.

    Raises:
        UsageError: There is no such study.
        StoreError: The study has no such revision.
        StoreMismatch: The values of a revision are not those of a study.
    """
    with read_transaction(engine) as connection:
        row = connection.execute(select(STUDY).where(STUDY.c.name == name)).mappings().first()
        if row is None:
            raise no_such_study(connection, name)
        query = select(REVISION).where(REVISION.c.study_id == row["id"]).order_by(REVISION.c.number)
        revisions = [dict(row) for row in connection.execute(query).mappings()]
        trials = exists().where(CELL.c.study_id == row["id"], CELL.c.phase == Phase.SEARCH)
        has_trials = bool(connection.scalar(select(trials)))
    if as_of is not None:
        revisions = [row for row in revisions if row["number"] <= as_of]
    if not revisions or (as_of is not None and revisions[-1]["number"] != as_of):
        raise StoreError(f"study {name!r} has no revision {as_of if as_of is not None else 1}")
    for revision in revisions:
        plain_spec(revision["spec"], of=name)
    return StudyRef(
        id=row["id"],
        name=row["name"],
        question=row["question"],
        state=row["state"],
        revisions=revisions,
        has_trials=has_trials,
    )
