"""What was decided about a study and when, and which other studies of its store ask the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sqlalchemy import Engine, func, select

from sweep.config.old_names import with_new_names
from sweep.reporting.frames.query import frame_of
from sweep.store.sql.schema import CELL, EVENT, REVISION, SCORE, SCORE_REQUEST, STUDY
from sweep.store.states import EventKind, Phase, ScoreState

QUESTION_FIELDS = ("baseline", "factors", "design", "tune")
"""Fields of a study file that make the question; two studies that have them alike ask the same."""


def decisions_of(engine: Engine, study_id: int) -> pd.DataFrame:
    """Revisions, exclusions and repeated failures: at, kind, message, detail; oldest first.

    Args:
        engine: Connection to the store.
        study_id: The study's id in it.
    """
    kinds = (EventKind.REVISION, EventKind.EXCLUDE, EventKind.RERUN)
    query = select(EVENT.c.at, EVENT.c.kind, EVENT.c.message, EVENT.c.detail)
    of_study = query.where(EVENT.c.study_id == study_id, EVENT.c.kind.in_(kinds))
    return frame_of(engine, of_study.order_by(EVENT.c.id))


def same_question_of(engine: Engine, study_id: int, question: str, spec: Mapping[str, Any]) -> pd.DataFrame:
    """Other studies of the store with the same question, in words or in baseline, factors and design: name, scores.

    Args:
        engine: Connection to the store.
        study_id: The study's id in it.
        question: Its question.
        spec: Its study file.
    """
    newest = select(REVISION.c.study_id, func.max(REVISION.c.number).label("number")).group_by(REVISION.c.study_id)
    latest = newest.subquery()
    others = frame_of(
        engine,
        select(STUDY.c.id, STUDY.c.name, STUDY.c.question, REVISION.c.spec)
        .join(REVISION, REVISION.c.study_id == STUDY.c.id)
        .join(latest, (latest.c.study_id == REVISION.c.study_id) & (latest.c.number == REVISION.c.number))
        .where(STUDY.c.id != study_id)
        .order_by(STUDY.c.id),
    )
    words, content = _words(question), _content(spec)
    rows = [
        {"name": row["name"], "scores": _scores(engine, row["id"])}
        for row in others.to_dict("records")
        if _words(row["question"]) == words or _content(row["spec"]) == content
    ]
    return pd.DataFrame(rows, columns=["name", "scores"])


def _words(question: str) -> tuple[str, ...]:
    return tuple(question.casefold().split())


def _content(spec: Mapping[str, Any]) -> dict[str, Any]:
    fields = with_new_names(spec)
    return {field: fields.get(field) for field in QUESTION_FIELDS}


def _scores(engine: Engine, study_id: int) -> int:
    """Complete primary scores on the seeds that decide."""
    counted = frame_of(
        engine,
        select(func.count().label("scores"))
        .select_from(CELL)
        .join(SCORE_REQUEST, SCORE_REQUEST.c.cell_id == CELL.c.id)
        .join(SCORE, SCORE.c.id == SCORE_REQUEST.c.score_id)
        .where(
            CELL.c.study_id == study_id,
            CELL.c.phase == Phase.CONFIRM,
            SCORE_REQUEST.c.is_primary,
            SCORE.c.state == ScoreState.COMPLETE,
        ),
    )
    return int(counted["scores"].iloc[0])
