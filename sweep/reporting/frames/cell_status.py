"""The status of each planned cell and its reason: done, failed, excluded, pruned or missing. No cell is left out."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from sweep.store.states import CellStatus, FailureClass, RunState, ScoreState

NOT_FINITE = "score is not finite"
FAILURES: dict[str, str] = {
    FailureClass.NAN: "diverged",
    FailureClass.OOM: "out of memory",
    FailureClass.INFRA: "machine or storage",
    FailureClass.DISK_FULL: "disk full",
    FailureClass.BUG: "error in the code",
}

WAITING: Mapping[object, str] = {ScoreState.PLANNED: "waiting to be scored", ScoreState.SCORING: "being scored"}


def with_status(cells: pd.DataFrame, requested: pd.DataFrame, scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The cells with the columns status, reason and diverged.

    Args:
        cells: A row for each cell, with the state of its run.
        requested: Requested scores under the deciding protocol, in any state.
        scores: Scores with a finite value.
        metric: The deciding score.
    """
    primary = requested[requested["is_primary"]].drop_duplicates("cell_id")
    cells = cells.merge(primary[["cell_id", "score_state", "score_failure", "score_reason"]], on="cell_id", how="left")
    measured = set(scores.loc[scores["is_primary"] & (scores["metric"] == metric), "cell_id"])
    outcomes = [_status(row, row["cell_id"] in measured) for row in cells.to_dict("records")]
    cells["status"] = pd.Series([status.value for status, _ in outcomes], cells.index, dtype=object)
    cells["reason"] = pd.Series([reason for _, reason in outcomes], cells.index, dtype=object)
    not_finite = (
        (cells["run_state"] == RunState.INFEASIBLE)
        | (cells["score_failure"] == FailureClass.NAN)
        | (cells["reason"] == NOT_FINITE)
    )
    cells["diverged"] = (cells["status"] == CellStatus.FAILED) & not_finite
    return cells


def _status(cell: Mapping[Hashable, Any], measured: bool) -> tuple[CellStatus, str]:
    """What became of a planned cell, and why."""
    state, score_state = cell["run_state"], cell["score_state"]
    if isinstance(cell["excluded_reason"], str):
        return CellStatus.EXCLUDED, cell["excluded_reason"]
    if measured:
        return CellStatus.DONE, ""
    if state == RunState.PRUNED:
        why = f": {cell['failure_reason']}" if isinstance(cell["failure_reason"], str) else ""
        return CellStatus.PRUNED, f"stopped early at step {cell['step']} of {cell['steps']}{why}"
    at = f"step {cell['step']} of {cell['steps']}"
    if state in (RunState.FAILED, RunState.INFEASIBLE, RunState.CANCELLED):
        why = _why(cell["failure"], cell["failure_reason"])
        return CellStatus.FAILED, f"training {state} at {at}" + (f": {why}" if why else "")
    if score_state in (ScoreState.FAILED, ScoreState.CANCELLED):
        why = _why(cell["score_failure"], cell["score_reason"])
        return CellStatus.FAILED, f"scoring {score_state}" + (f": {why}" if why else "")
    if state == RunState.TRAINED and score_state == ScoreState.COMPLETE:
        # An end, and no number: waiting for one would hold an interim analysis back for ever.
        return CellStatus.FAILED, NOT_FINITE
    if state == RunState.TRAINED:
        return CellStatus.MISSING, f"trained; {WAITING.get(score_state, 'no score under this protocol is requested')}"
    return CellStatus.MISSING, "not started" if state == RunState.PLANNED else f"training, {at}"


def _why(failure: object, reason: object) -> str:
    """The class of a failure in words, and what was told of it."""
    parts = [FAILURES.get(failure, failure)] if isinstance(failure, str) else []
    return "; ".join(parts + ([reason] if isinstance(reason, str) else []))
