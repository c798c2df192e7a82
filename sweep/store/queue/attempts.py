"""How an attempt ends: closed with its lease, given back, or failed. `completion.py` records what was done.

Each verb is one transaction that begins with the fence, and may be repeated after a lost reply: an attempt that this
worker has ended for the same reason counts as done.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, String, Update, bindparam, func, select, update

from sweep.redaction import clean, clean_json
from sweep.store.queue.device_load import ENDED_ATTEMPT, WORKER_OF_ATTEMPT, workers_during_attempt
from sweep.store.queue.endings import cancel_scores
from sweep.store.queue.events import write_event
from sweep.store.queue.leases import MAX_CRASHES, WORK, fence, lease_lost
from sweep.store.records import Claim
from sweep.store.sql.clock import moment, now
from sweep.store.sql.schema import ATTEMPT
from sweep.store.sql.transaction import Store
from sweep.store.states import FailureClass, FinalState, RunState, WorkKind


def release(
    store: Store, claimed: Claim, reason: FailureClass, *, delay: float = 0.0, seconds: float = 0.0, detail: str = ""
) -> None:
    """Give work back unfinished, for example on preemption. It does not count as a crash.

    Args:
        store: The open database.
        claimed: The claim of the work, as `claim` returned it.
        reason: Why the work was given back; kept with the attempt as `released: REASON`.
        delay: Seconds before any worker may claim the work again.
        seconds: Seconds for which this attempt held the device.
        detail: What a person should know and repair; kept with the attempt, and written to the log.

    Raises:
        LeaseLost: Another worker holds the work already, so there is nothing to give back.
    """
    values = {"state": RunState.PLANNED, "not_before": now() + delay}
    ending = f"released: {reason}"[:32]
    detail = clean(detail)

    def work(connection: Connection) -> None:
        if end_attempt(connection, claimed, values, ending, seconds=seconds, detail=detail or None) and detail:
            what = f"{claimed.kind} {claimed.work_id} waits {delay:.0f} s: {detail}"
            write_event(connection, reason, what, study_id=claimed.study_id, run_id=claimed.run_id)

    store.write(work)


def fail(
    store: Store,
    claimed: Claim,
    failure: FailureClass,
    reason: str,
    *,
    final: bool,
    state: FinalState = FinalState.FAILED,
    delay: float = 0.0,
    seconds: float = 0.0,
    detail: Mapping[str, Any] | None = None,
) -> str:
    """Record that an attempt failed. Unless `final`, the work is tried again, at most `MAX_CRASHES` times in a row.

    Args:
        store: The open database.
        claimed: The claim of the work, as `claim` returned it.
        failure: Why it failed, as one of the classes that decide what is done about it.
        reason: The error's text or traceback, for people. Passwords in it are masked.
        final: Whether another try would fail in the same way, so that there is none.
        state: The state after a final failure: `infeasible` for a diverged training, `pruned` for one stopped by a
            pruner.
        delay: Seconds before the next try.
        seconds: Seconds for which this attempt held the device.
        detail: Evidence for the log, such as the last losses.

    Returns:
        The state that the work is in now: `planned`, or a final one.

    Raises:
        LeaseLost: Another worker holds the work now, or it was cancelled; nothing was written.
    """

    # Before the transaction: nobody waits for a lock while long texts are cleaned.
    reason, detail = clean(reason), clean_json(detail or {})

    def work(connection: Connection) -> str:
        table, _ = WORK[claimed.kind]
        crashes = connection.scalars(select(table.c.crashes).where(table.c.id == claimed.work_id)).one()
        ends = final or crashes >= MAX_CRASHES
        values: dict[str, Any] = {"crashes": table.c.crashes + 1, "failure": failure, "failure_reason": reason}
        if ends:
            values |= {"state": state if final else FinalState.FAILED, "finished_at": moment()}
        else:
            values |= {"state": RunState.PLANNED, "not_before": now() + delay}
        if end_attempt(connection, claimed, values, failure, seconds=seconds, detail=reason):
            if ends and claimed.kind == WorkKind.TRAIN:
                cancel_scores(connection, [claimed.run_id], values["state"])
            what = f"{claimed.kind} {claimed.work_id}: {reason}"
            write_event(connection, failure, what, study_id=claimed.study_id, run_id=claimed.run_id, detail=detail)
        return str(connection.scalars(select(table.c.state).where(table.c.id == claimed.work_id)).one())

    return store.write(work)


def end_attempt(
    connection: Connection,
    claimed: Claim,
    values: Mapping[str, Any],
    reason: str,
    *,
    seconds: float,
    detail: str | None = None,
    peak_bytes: int | None = None,
) -> bool:
    """Close an attempt and its lease inside a transaction.

    Args:
        connection: Connection inside a writing transaction.
        claimed: The claim of the work.
        values: Columns of the run or score to set, its new state among them.
        reason: How the attempt ended, kept in `attempt.end_reason`.
        seconds: Seconds for which this attempt held the device; added to those of the work.
        detail: Why it ended, for people; None keeps no text.
        peak_bytes: The most memory that the attempt took, in bytes; None keeps what was recorded on the way.

    Returns:
        True, or False where this attempt had been closed for the same reason before and only the reply was lost.

    Raises:
        LeaseLost: Another worker holds the work now, or it was cancelled.
    """
    table, _ = WORK[claimed.kind]
    ending = {"owner": None, "lease_until": None, "seconds": table.c.seconds + seconds, **values}
    if not fence(connection, claimed, ending):
        if connection.scalars(select(ATTEMPT.c.end_reason).where(ATTEMPT.c.id == claimed.attempt_id)).one() == reason:
            return False
        raise lease_lost(claimed)
    parameters = {"reason": reason, "text": None if detail is None else clean(detail), "attempt_peak_bytes": peak_bytes}
    which = {ENDED_ATTEMPT.key: claimed.attempt_id, WORKER_OF_ATTEMPT.key: claimed.worker_id}
    connection.execute(_ending(), parameters | which)
    return True


@cache
def _ending() -> Update:
    # Built once for a process: that takes longer than to run it.
    return (
        update(ATTEMPT)
        .where(ATTEMPT.c.id == ENDED_ATTEMPT)
        .values(
            ended_at=moment(),
            end_reason=bindparam("reason", type_=String),
            device_workers=workers_during_attempt(),
            detail=bindparam("text", type_=String),
            peak_bytes=func.coalesce(bindparam("attempt_peak_bytes", type_=BigInteger), ATTEMPT.c.peak_bytes),
        )
    )
