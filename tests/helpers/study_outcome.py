"""What a study came to, in a form that two ways of getting there can be compared by; and what must always hold."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import select

from sweep.store import Store, cells, curves
from sweep.store.cell_records import ScoreRecord
from sweep.store.sql.schema import ARTIFACT, ATTEMPT, CELL, EVENT, METRIC, RUN, SCORE, SCORE_REQUEST, WORKER
from sweep.store.states import EventKind

# Of the machine, not of the run.
_OF_THE_MACHINE = ("images_per_second", "device_workers")


def outcome(store: Store, study_id: int) -> dict[str, Any]:
    """Arms, runs, scores, curves and measurements, bit for bit; nothing of when, where and in how many attempts."""
    found = cells(store, study_id)
    points = curves(store, [cell.run_id for cell in found])
    return {
        f"{cell.arm_name}/{cell.phase}/{cell.replicate}": {
            "train_key": cell.train_key,
            "trial": cell.trial_number,
            "state": cell.state,
            "step": cell.step,
            "scores": [_score(score) for score in cell.scores],
            "why": cell.failure_reason,
            "rungs": [(r.step, r.state, [(m.name, _hex(m.value)) for m in r.measurements]) for r in cell.rungs],
            "curves": [
                (p.name, p.step, p.images, _hex(p.value)) for p in points[cell.run_id] if p.name not in _OF_THE_MACHINE
            ],
        }
        for cell in found
    }


def _score(score: ScoreRecord) -> dict[str, Any]:
    values = [(m.name, m.noise_set, _hex(m.value), _hex(m.standard_error)) for m in score.measurements]
    return {"level": dict(score.level), "state": score.state, "values": values}


def _hex(value: float | None) -> str | None:
    return None if value is None else value.hex()


def check_invariants(store: Store) -> None:
    """What holds at the end of any study, whatever happened on the way."""

    def work(connection: Any) -> None:
        wanted = CELL.c.excluded_reason.is_(None)
        runs = select(RUN.c.id).join(CELL, CELL.c.run_id == RUN.c.id).where(wanted)
        assert not connection.execute(runs.where(RUN.c.state.in_(("training", "planned")))).all()
        scores = select(SCORE.c.id).join(SCORE_REQUEST, SCORE_REQUEST.c.score_id == SCORE.c.id)
        scores = scores.join(CELL, CELL.c.id == SCORE_REQUEST.c.cell_id).where(wanted)
        assert not connection.execute(scores.where(SCORE.c.state.in_(("scoring", "planned")))).all()
        for table in (RUN, SCORE):
            assert not connection.execute(select(table.c.id).where(table.c.owner.is_not(None))).all()
        attempts = connection.execute(select(ATTEMPT)).all()
        assert all(attempt.ended_at is not None and attempt.end_reason for attempt in attempts)
        ends = Counter((a.run_id, a.score_id) for a in attempts if a.end_reason in ("trained", "complete"))
        # What lost its weights afterwards was trained again, and said so.
        again = Counter(connection.scalars(select(EVENT.c.run_id).where(EVENT.c.kind == EventKind.RETRAINED)))
        twice = {work: count for work, count in ends.items() if count > 1 + (again[work[0]] if work[1] is None else 0)}
        assert not twice, "some work was done twice to the end"
        # Rows are under the token of an attempt that was really made, and no later than the last.
        tokens = {(a.run_id, a.token) for a in attempts if a.score_id is None}
        points = connection.execute(select(METRIC.c.run_id, METRIC.c.token).distinct()).all()
        assert {(p.run_id, p.token) for p in points} <= tokens
        kinds = Counter(
            r.run_id for r in connection.execute(select(ARTIFACT.c.run_id).where(ARTIFACT.c.kind == "weights"))
        )
        trained = set(connection.scalars(select(RUN.c.id).where(RUN.c.state == "trained")))
        assert set(kinds) == trained
        assert set(kinds.values()) <= {1}

    store.read(work)


def attempt_ends(store: Store, run_id: int | None = None) -> list[str]:
    """How each attempt at a training ended, oldest first."""
    query = select(ATTEMPT.c.end_reason).where(ATTEMPT.c.score_id.is_(None)).order_by(ATTEMPT.c.id)
    if run_id is not None:
        query = query.where(ATTEMPT.c.run_id == run_id)
    return store.read(lambda connection: [str(reason) for reason in connection.scalars(query)])


def live_workers(store: Store) -> list[int]:
    """Process ids of workers that have not said goodbye."""
    return store.read(lambda c: list(c.scalars(select(WORKER.c.pid).where(WORKER.c.ended_at.is_(None)))))
