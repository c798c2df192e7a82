"""What a study took: its runs by how they ended, and the hours of all attempts, those that came to nothing too."""

from __future__ import annotations

import pandas as pd

from sweep.reporting.frames.frames import StudyFrames
from sweep.store.states import AttemptEnd, FailureClass, Phase, RunState

DECIDING, EXPLORATORY = "trainings that decide", "exploratory trainings"
SCORES = "scores"
FINISHED = frozenset({AttemptEnd.TRAINED, AttemptEnd.PAUSED, AttemptEnd.COMPLETE})


def runs_of(frames: StudyFrames) -> pd.DataFrame:
    """One row a run of the study: run_id, state (a `RunState`), is_exploratory (no deciding cell reads it).

    Args:
        frames: The tables of the study.
    """
    cells = frames.cells.assign(is_exploratory=frames.cells["phase"] == Phase.SEARCH)
    by_run = cells.groupby("run_id").agg(state=("run_state", "first"), is_exploratory=("is_exploratory", "all"))
    return by_run.reset_index()


def counted_runs(runs: pd.DataFrame) -> dict[str, int]:
    """Runs by their state in words, those that happened alone.

    Args:
        runs: Rows of `runs_of`.
    """
    words = {
        RunState.TRAINED: "trained to the end",
        RunState.INFEASIBLE: "diverged",
        RunState.FAILED: "failed",
        RunState.PRUNED: "pruned",
        RunState.CANCELLED: "cancelled",
    }
    counts = {word: int((runs["state"] == state).sum()) for state, word in words.items()}
    counts["not finished"] = len(runs) - sum(counts.values())
    return {word: count for word, count in counts.items() if count}


def work_by_kind(frames: StudyFrames) -> pd.DataFrame:
    """Attempts and their hours: work (`DECIDING`, `EXPLORATORY`, `SCORES`), attempts, finished, failed, interrupted,
    lost (the worker vanished), running, hours (from start to end), failed_hours (of those, in attempts that failed),
    lost_hours (the most that lost attempts can have worked: until another worker noticed).

    Args:
        frames: The tables of the study.
    """
    attempts = frames.attempts
    exploratory = set(runs_of(frames).loc[lambda runs: runs["is_exploratory"], "run_id"])
    kinds = [
        SCORES if pd.notna(score) else EXPLORATORY if run in exploratory else DECIDING
        for run, score in zip(attempts["run_id"], attempts["score_id"], strict=True)
    ]
    endings = [_ending(reason) for reason in attempts["end_reason"]]
    spans = pd.to_datetime(attempts["ended_at"], utc=True) - pd.to_datetime(attempts["started_at"], utc=True)
    table = pd.DataFrame({"work": kinds, "ending": endings, "hours": spans.dt.total_seconds() / 3600.0})
    rows = []
    for work in (DECIDING, EXPLORATORY, SCORES):
        own = table[table["work"] == work]
        if own.empty:
            continue
        hours = {ending: float(own.loc[own["ending"] == ending, "hours"].sum()) for ending in set(endings)}
        counts = {name: int((own["ending"] == name).sum()) for name in ENDINGS}
        lost = hours.pop("lost", 0.0)
        rows.append(
            {"work": work, "attempts": len(own)}
            | counts
            | {"hours": sum(hours.values()), "failed_hours": hours.get("failed", 0.0), "lost_hours": lost}
        )
    return pd.DataFrame(rows, columns=["work", "attempts", *ENDINGS, "hours", "failed_hours", "lost_hours"])


ENDINGS = ("finished", "failed", "interrupted", "lost", "running")


def _ending(reason: object) -> str:
    if not isinstance(reason, str):
        return "running"
    if reason in FINISHED:
        return "finished"
    if reason == AttemptEnd.EXPIRED:
        return "lost"
    return "failed" if reason in set(FailureClass) else "interrupted"
