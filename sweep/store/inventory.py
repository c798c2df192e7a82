"""What an adviser must know of a study, read anew only where it can have changed.

A cell that is over stays as it is, and a search has thousands of them. Whether one changed all the same (it was
excluded, or planned again) shows in a few sums over all cells. Those of runs and scores are over the few that did not
end well: their indexes begin with the state, so a database need not walk the thousands that did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Integer, Select, bindparam, case, func, or_, select

from sweep.store import stored_config
from sweep.store.advisor import refusals
from sweep.store.cell_records import cell_records, cells_with
from sweep.store.planner import unindexed
from sweep.store.registry import newest_revision
from sweep.store.schema import ARM, CELL, READING, RUN, RUN_STATES, SCORE, SCORE_STATES
from sweep.store.snapshots import CellRecord
from sweep.store.states import RunState, ScoreState
from sweep.store.transaction import Store

if TYPE_CHECKING:
    from sweep.config.factors import Changes
    from sweep.config.run import Protocol

_UNDER_WAY = ("planned", "training", "trained", "scoring")
_OPEN = ("planned", "scoring")
# Of each other state than the usual end, so that one sum tells which cell is in which.
_RUN_CODES = {state: code for code, state in enumerate(RUN_STATES, start=1) if state != RunState.TRAINED}
_SCORE_CODES = {state: code for code, state in enumerate(SCORE_STATES, start=1) if state != ScoreState.COMPLETE}
Sums = tuple[int, ...]
_STUDY = bindparam("asked_study", type_=Integer)
# Databases limit the values of one statement. A study with more cells under way is read whole.
_MOST_VALUES = 10_000


@dataclass(frozen=True)
class Inventory:
    """A study at one moment.

    Attributes:
        revision: Its number; another one makes everything new.
        protocol: Of its scores.
        changes: Arm name -> its difference from the baseline.
        position: Of the newest arm.
        refused: Arm name -> changes of the suggestions that made no sense.
        refusal: Event of the newest of them.
        settled: Cells that are over.
        open: All other cells.
        sums: Over the settled cells.
    """

    revision: int
    protocol: Protocol
    changes: Mapping[str, Changes]
    position: int
    refused: Mapping[str, Changes]
    refusal: int
    settled: tuple[CellRecord, ...]
    open: tuple[CellRecord, ...]
    sums: Sums

    @property
    def cells(self) -> tuple[CellRecord, ...]:
        """All of them."""
        return self.settled + self.open


def inventory(store: Store, study_id: int, before: Inventory | None = None, *, ladder: int = 0) -> Inventory:
    """The study now.

    Args:
        before: What was found earlier by the same process; None reads everything.
        ladder: How many cheaper scores a search trial gets once it is trained. One that has not all of them is open:
            nothing else tells that they were added.
    """

    def work(connection: Connection) -> Inventory:
        revision = newest_revision(connection, study_id)
        if before is not None and before.revision == revision.number and len(before.open) <= _MOST_VALUES:
            found = _since(connection, study_id, before, ladder)
            if found is not None:
                return found
        protocol = stored_config.protocol(revision.protocol, of=f"revision {revision.number}")
        nothing = Inventory(revision.number, protocol, {}, -1, {}, -1, (), (), _sums_of(()))
        found = _since(connection, study_id, nothing, ladder)
        assert found is not None
        return found

    return store.read(work)


def _since(connection: Connection, study_id: int, before: Inventory, ladder: int) -> Inventory | None:
    """The study now; None where something changed that was thought to be settled."""
    found = _changed(connection, study_id, before)
    if _sums(connection, study_id) != _added(before.sums, _sums_of(found)):
        return None
    settled = tuple(cell for cell in found if _is_settled(cell, ladder))
    still_open = tuple(cell for cell in found if not _is_settled(cell, ladder))
    refused, refusal = refusals(connection, study_id, before.refusal)
    arms = connection.execute(
        select(ARM.c.name, ARM.c.changes, ARM.c.position)
        .where(ARM.c.study_id == study_id, ARM.c.position > before.position)
        .order_by(ARM.c.position)
    ).all()
    return Inventory(
        revision=before.revision,
        protocol=before.protocol,
        changes={**before.changes, **{arm.name: arm.changes for arm in arms}},
        position=arms[-1].position if arms else before.position,
        refused={**before.refused, **refused},
        refusal=refusal,
        settled=before.settled + settled,
        open=still_open,
        sums=_added(before.sums, _sums_of(settled)),
    )


def _changed(connection: Connection, study_id: int, before: Inventory) -> tuple[CellRecord, ...]:
    """The cells that may be other ones than before."""
    mine = CELL.c.study_id == study_id
    newest = max((cell.cell_id for cell in before.cells), default=None)
    if newest is None:
        return cell_records(connection, mine)
    ids = [cell.cell_id for cell in before.open]
    ids += connection.scalars(select(CELL.c.id).where(mine, CELL.c.id > newest)).all()
    if len(ids) <= _MOST_VALUES:
        return cells_with(connection, ids)
    return cell_records(connection, mine, or_(CELL.c.id > newest, CELL.c.id.in_(ids[: len(before.open)])))


def _is_settled(cell: CellRecord, ladder: int) -> bool:
    if cell.state in _UNDER_WAY or any(rung.state in _OPEN for rung in cell.rungs):
        return False
    waits = cell.phase == "search" and cell.run_state == RunState.TRAINED and cell.excluded_reason is None
    return not waits or sum(rung.step == cell.steps for rung in cell.rungs) >= ladder


def _sums_of(cells: Iterable[CellRecord]) -> Sums:
    """What `_sums` finds for these cells."""
    total: Sums = (0,) * 5
    for cell in cells:
        states = [score.state for score in cell.scores] + [rung.state for rung in cell.rungs]
        broken = sum(_SCORE_CODES.get(state, 0) for state in states)
        run = cell.run_id * _RUN_CODES.get(cell.run_state, 0)
        total = _added(total, (1, cell.cell_id, int(cell.excluded_reason is not None), run, cell.cell_id * broken))
    return total


def _sums(connection: Connection, study_id: int) -> Sums:
    row = connection.execute(_summing(), {_STUDY.key: study_id}).one()
    # A sum over nothing is NULL, and PostgreSQL's are decimals.
    return tuple(int(value or 0) for value in row)


@cache
def _summing() -> Select[Any]:
    theirs = unindexed(CELL.c.study_id) == _STUDY
    cells = select(func.count(), func.sum(CELL.c.id), func.count(CELL.c.excluded_reason))
    runs = select(func.sum(RUN.c.id * case(_RUN_CODES, value=RUN.c.state))).join(CELL, CELL.c.run_id == RUN.c.id)
    scores = (
        select(func.sum(CELL.c.id * case(_SCORE_CODES, value=SCORE.c.state)))
        .select_from(SCORE)
        .join(READING, READING.c.score_id == SCORE.c.id)
        .join(CELL, CELL.c.id == READING.c.cell_id)
    )
    return cells.where(CELL.c.study_id == _STUDY).add_columns(
        runs.where(theirs, RUN.c.state.in_(_RUN_CODES)).correlate(None).scalar_subquery(),
        scores.where(theirs, SCORE.c.state.in_(_SCORE_CODES)).correlate(None).scalar_subquery(),
    )


def _added(one: Sums, other: Sums) -> Sums:
    return tuple(a + b for a, b in zip(one, other, strict=True))
