"""What was known of a study at the moment of a decision about it, for the record that the report shows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from sweep.store.records import OVER_NOISE_SETS
from sweep.store.sql.schema import ARM, CELL, MEASUREMENT, REVISION, SCORE, SCORE_REQUEST
from sweep.store.states import Phase, ScoreState


def known_scores(connection: Connection, study_id: int) -> dict[str, Any]:
    """The deciding scores that a study has on the seeds that decide, excluded cells among them.

    Args:
        connection: Inside the transaction that writes the decision, before anything is changed.
        study_id: The study's id in the store.

    Returns:
        `known_scores`, an arm's name -> `{"n": seeds, "mean": score}`; empty before the first revision.
    """
    newest = select(REVISION.c.spec, REVISION.c.protocol_key).where(REVISION.c.study_id == study_id)
    revision = connection.execute(newest.order_by(REVISION.c.number.desc()).limit(1)).one_or_none()
    if revision is None:
        return {"known_scores": {}}
    by_arm = (
        select(ARM.c.name, func.count(), func.avg(MEASUREMENT.c.value))
        .join(CELL, CELL.c.arm_id == ARM.c.id)
        .join(SCORE_REQUEST, SCORE_REQUEST.c.cell_id == CELL.c.id)
        .join(SCORE, SCORE.c.id == SCORE_REQUEST.c.score_id)
        .join(MEASUREMENT, MEASUREMENT.c.score_id == SCORE.c.id)
        .where(
            CELL.c.study_id == study_id,
            CELL.c.phase == Phase.CONFIRM,
            SCORE_REQUEST.c.is_primary,
            SCORE.c.state == ScoreState.COMPLETE,
            SCORE.c.protocol_key == revision.protocol_key,
            MEASUREMENT.c.name == revision.spec.get("metric", "fid"),
            MEASUREMENT.c.noise_set == OVER_NOISE_SETS,
        )
        .group_by(ARM.c.name)
        .order_by(ARM.c.name)
    )
    means = {name: {"n": int(n), "mean": float(mean)} for name, n, mean in connection.execute(by_arm)}
    return {"known_scores": means}
