"""Studies filled in bulk, to measure how a store bears large ones: what weeks of work leave behind, in seconds."""

from __future__ import annotations

from sqlalchemy import Connection, Float, cast, func, insert, literal, select, text, update

from sweep.store.records import OVER_NOISE_SETS
from sweep.store.sql.clock import moment
from sweep.store.sql.schema import CELL, MEASUREMENT, METRIC, RUN, SCORE, SCORE_REQUEST
from sweep.store.sql.transaction import Store
from sweep.store.states import RunState, ScoreState


def finish_all(store: Store, study_id: int, metric: str) -> None:
    """Set every run of a study to trained and every score to complete, each with a value of its own.

    Args:
        store: The open database.
        study_id: Row id of the study.
        metric: Name of the measurement that every score gets, such as `fid`.
    """
    cells = select(CELL.c.run_id).where(CELL.c.study_id == study_id)
    score_requests = select(SCORE_REQUEST.c.score_id).join(CELL, CELL.c.id == SCORE_REQUEST.c.cell_id)
    scores = score_requests.where(CELL.c.study_id == study_id)
    # Spread out, and the same each time.
    value = 20.0 + cast(SCORE.c.id * 7919 % 1000, Float) / 100.0

    def work(connection: Connection) -> None:
        done = {"step": RUN.c.steps, "state": RunState.TRAINED, "finished_at": moment()}
        connection.execute(update(RUN).where(RUN.c.id.in_(cells)).values(done))
        complete = update(SCORE).where(SCORE.c.id.in_(scores))
        connection.execute(complete.values(state=ScoreState.COMPLETE, finished_at=moment()))
        for noise_set in (0, OVER_NOISE_SETS):
            row = select(SCORE.c.id, literal(metric), literal(noise_set), value).where(SCORE.c.id.in_(scores))
            connection.execute(insert(MEASUREMENT).from_select(["score_id", "name", "noise_set", "value"], row))

    store.write(work)
    _analyze(store)


def add_curves(store: Store, study_id: int, names: tuple[str, ...], points: int) -> None:
    """Add curves to every run of a study.

    Args:
        store: The open database.
        study_id: Row id of the study.
        names: Names of the curves.
        points: Number of points of each curve of each run.
    """
    first = select(literal(1).label("step")).cte("steps", recursive=True)
    steps = first.union_all(select(first.c.step + 1).where(first.c.step < points))
    runs = select(func.distinct(CELL.c.run_id).label("id")).where(CELL.c.study_id == study_id).subquery()
    columns = ["run_id", "name", "step", "images", "value", "token"]

    def work(connection: Connection) -> None:
        for name in names:
            row = select(
                *(runs.c.id, literal(name), steps.c.step, steps.c.step * 128, literal(0.5), literal(1)),
            ).select_from(runs.join(steps, literal(True)))
            connection.execute(insert(METRIC).from_select(columns, row))

    store.write(work)
    _analyze(store)


def _analyze(store: Store) -> None:
    # As the server does by itself within a minute of real work.
    if store.engine.dialect.name == "postgresql":
        store.write(lambda connection: connection.execute(text("ANALYZE")))
