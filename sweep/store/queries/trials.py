"""What an adviser must know of a study, read anew only where it can have changed.

A cell that is over stays as it is, and a search has thousands of them. Whether one changed all the same (it was
excluded, or planned again) is counted in the study: see `trial_changes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, or_, select

from sweep.store import stored_config
from sweep.store.cell_records import CellRecord
from sweep.store.queries.cells import cell_records, cells_with
from sweep.store.queue.search_lease import infeasible_suggestions
from sweep.store.sql.schema import ARM, CELL
from sweep.store.sql.transaction import Store
from sweep.store.states import UNFINISHED_CELLS, UNFINISHED_SCORES, UNFINISHED_TRAININGS, Phase, RunState
from sweep.store.studies.studies import newest_revision
from sweep.store.studies.trial_changes import count_changes

if TYPE_CHECKING:
    from sweep.config.factors import Changes
    from sweep.config.run import Protocol

# Databases limit the values of one statement. A study with more cells under way is read whole.
_MAX_VALUES = 10_000


@dataclass(frozen=True)
class StudySnapshot:
    """A study at one moment, as the search needs it.

    Attributes:
        revision: Number of the newest accepted revision; another number makes everything else out of date.
        protocol: What the scores of the study are made under.
        changes: Arm name -> the arm's difference from the baseline.
        position: Position of the newest arm in the report; -1 for a study without arms.
        refused: Arm name -> changes of each infeasible suggestion.
        refusal: Id of the event of the newest infeasible suggestion; -1 where there is none.
        settled: Cells that are finished.
        open: All other cells.
        changes_of_settled: Number of changes of finished cells so far.
    """

    revision: int
    protocol: Protocol
    changes: Mapping[str, Changes]
    position: int
    refused: Mapping[str, Changes]
    refusal: int
    settled: tuple[CellRecord, ...]
    open: tuple[CellRecord, ...]
    changes_of_settled: int

    @property
    def cells(self) -> tuple[CellRecord, ...]:
        """All cells: those that are settled, then those that are open."""
        return self.settled + self.open


def study_snapshot(
    store: Store, study_id: int, before: StudySnapshot | None = None, *, ladder: int = 0
) -> StudySnapshot:
    """Read what the search needs of a study, and read only what can have changed since an earlier snapshot.

    Args:
        store: The open database.
        study_id: Row id of the study.
        before: The snapshot that the same process read earlier; None reads everything.
        ladder: How many cheaper scores a search trial gets once it is trained. A trial that does not have all of them
            yet counts as open, because nothing else tells when they are added.

    Returns:
        The study at this moment.

    Raises:
        StoreMismatch: This version does not understand the stored protocol.
    """

    def work(connection: Connection) -> StudySnapshot:
        revision = newest_revision(connection, study_id)
        changes = count_changes(connection, study_id)
        known = before is not None and (before.revision, before.changes_of_settled) == (revision.number, changes)
        if before is not None and known and len(before.open) <= _MAX_VALUES:
            snapshot = _since(connection, study_id, before, ladder)
            if snapshot is not None:
                return snapshot
        protocol = stored_config.protocol(revision.protocol, of=f"revision {revision.number}")
        nothing = StudySnapshot(revision.number, protocol, {}, -1, {}, -1, (), (), changes)
        snapshot = _since(connection, study_id, nothing, ladder)
        assert snapshot is not None
        return snapshot

    return store.read(work)


def _since(connection: Connection, study_id: int, before: StudySnapshot, ladder: int) -> StudySnapshot | None:
    """The study now; None where a cell was added that neither is open nor newer than all others."""
    changed = _changed(connection, study_id, before)
    # Ids are handed out before commits, so a cell may come after one of a higher id.
    if _count_cells(connection, study_id) != len(before.settled) + len(changed):
        return None
    settled = tuple(cell for cell in changed if _is_settled(cell, ladder))
    still_open = tuple(cell for cell in changed if not _is_settled(cell, ladder))
    refused, refusal = infeasible_suggestions(connection, study_id, before.refusal)
    arms = connection.execute(
        select(ARM.c.name, ARM.c.changes, ARM.c.position)
        .where(ARM.c.study_id == study_id, ARM.c.position > before.position)
        .order_by(ARM.c.position)
    ).all()
    return StudySnapshot(
        revision=before.revision,
        protocol=before.protocol,
        changes={**before.changes, **{arm.name: arm.changes for arm in arms}},
        position=arms[-1].position if arms else before.position,
        refused={**before.refused, **refused},
        refusal=refusal,
        settled=before.settled + settled,
        open=still_open,
        changes_of_settled=before.changes_of_settled,
    )


def _changed(connection: Connection, study_id: int, before: StudySnapshot) -> tuple[CellRecord, ...]:
    """The cells that may be other ones than before."""
    of_study = CELL.c.study_id == study_id
    newest = max((cell.cell_id for cell in before.cells), default=None)
    if newest is None:
        return cell_records(connection, of_study)
    ids = [cell.cell_id for cell in before.open]
    ids += connection.scalars(select(CELL.c.id).where(of_study, CELL.c.id > newest)).all()
    if len(ids) <= _MAX_VALUES:
        return cells_with(connection, ids)
    return cell_records(connection, of_study, or_(CELL.c.id > newest, CELL.c.id.in_(ids[: len(before.open)])))


def _is_settled(cell: CellRecord, ladder: int) -> bool:
    # An excluded one may share its run with a study that goes on with it.
    if cell.run_state in UNFINISHED_TRAININGS or any(score.state in UNFINISHED_SCORES for score in cell.scores):
        return False
    if cell.state in UNFINISHED_CELLS or any(rung.state in UNFINISHED_SCORES for rung in cell.rungs):
        return False
    waits = cell.phase == Phase.SEARCH and cell.run_state == RunState.TRAINED and cell.excluded_reason is None
    return not waits or sum(rung.step == cell.steps for rung in cell.rungs) >= ladder


def _count_cells(connection: Connection, study_id: int) -> int:
    return connection.scalars(select(func.count()).select_from(CELL).where(CELL.c.study_id == study_id)).one()
