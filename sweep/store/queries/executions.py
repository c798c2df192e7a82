"""How the attempts of a study on GPUs ran their steps."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from sweep.store.sql.schema import ATTEMPT, CELL, WORKER
from sweep.store.sql.transaction import Store
from sweep.store.states import StepExecution


@dataclass(frozen=True)
class ExecutionCount:
    """Attempts on GPUs that ran their step in the same way.

    Attributes:
        execution: How they ran it.
        reason: Why it was not launched as one CUDA graph; empty where it was.
        attempts: How many they are.
    """

    execution: StepExecution
    reason: str
    attempts: int


def gpu_executions(store: Store, study_id: int) -> list[ExecutionCount]:
    """Count the attempts of a study on GPUs by how they ran their step.

    Args:
        store: The store that holds the study.
        study_id: The study.

    Returns:
        The counts, the largest first; empty where no attempt on a GPU has recorded it.
    """
    runs = select(CELL.c.run_id).where(CELL.c.study_id == study_id)
    count = func.count()
    query = (
        select(ATTEMPT.c.execution, func.coalesce(ATTEMPT.c.execution_reason, ""), count)
        .join(WORKER, WORKER.c.id == ATTEMPT.c.worker_id)
        .where(ATTEMPT.c.run_id.in_(runs), ATTEMPT.c.execution.is_not(None), WORKER.c.device.startswith("cuda"))
        .group_by(ATTEMPT.c.execution, ATTEMPT.c.execution_reason)
        .order_by(count.desc(), ATTEMPT.c.execution, ATTEMPT.c.execution_reason)
    )

    def work(connection: Connection) -> list[ExecutionCount]:
        return [
            ExecutionCount(StepExecution(str(kind)), str(reason), n) for kind, reason, n in connection.execute(query)
        ]

    return store.read(work)
