"""Several workers on one device: how many there were, what memory their work took, and how fast the device was then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    ScalarSelect,
    String,
    and_,
    bindparam,
    distinct,
    func,
    or_,
    select,
)

from sweep.config.keys import canonical_json
from sweep.store.sql.schema import ATTEMPT, CELL, METRIC, RUN, WORKER, AttemptColumns
from sweep.store.sql.transaction import Store
from sweep.store.states import AttemptEnd

SPEED = "images_per_second"
WORKERS = "device_workers"
# A long study has many points, and the newest ones show how fast the device is now.
NEWEST_POINTS = 1000
ENDED_ATTEMPT = bindparam("ended_attempt", type_=Integer)
WORKER_OF_ATTEMPT = bindparam("worker_of_attempt", type_=String)


@dataclass(frozen=True, slots=True)
class Speed:
    """The images per second of one worker at a point of its curve.

    Attributes:
        kind: Data, net, batch and precision as one text; speeds of equal kinds can be compared.
        workers: Number of workers that held work on the device then, this one included.
        images_per_second: Training images per second of this worker.
    """

    kind: str
    workers: int
    images_per_second: float


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """What the runs of a study needed on one kind of device.

    Attributes:
        has_trained_and_scored: Whether a training and a score were finished there.
        peak_bytes: The most memory that an attempt took, in bytes; None while none was recorded.
        speeds: The newest speeds, the newest first; at most `NEWEST_POINTS`.
    """

    has_trained_and_scored: bool
    peak_bytes: int | None
    speeds: tuple[Speed, ...]


def workers_now(connection: Connection, worker_id: str) -> int:
    """Count the workers that hold work on the same device of the same machine.

    Args:
        connection: Connection inside a transaction.
        worker_id: Id of a worker on that device.

    Returns:
        Number of workers, this one included.
    """
    other = ATTEMPT.alias()
    at_work = _beside(worker_id, other, other.c.ended_at.is_(None), WORKER.c.ended_at.is_(None))
    return int(connection.scalars(select(at_work)).one())


def workers_during_attempt() -> ScalarSelect[int]:
    """The subquery that counts the workers that held work on the same device while an attempt lasted.

    The statement that contains it binds `ENDED_ATTEMPT` to the id of the attempt, and `WORKER_OF_ATTEMPT` to the id of
    its worker.

    Returns:
        A scalar subquery; the worker of the attempt is counted too.
    """
    this, other = ATTEMPT.alias(), ATTEMPT.alias()
    began = select(this.c.started_at).where(this.c.id == ENDED_ATTEMPT).scalar_subquery()
    at_work = or_(other.c.ended_at.is_(None), other.c.ended_at > began)
    # The same of the workers: else every attempt that this machine ever made would be walked.
    living = or_(WORKER.c.ended_at.is_(None), WORKER.c.ended_at >= began)
    return _beside(WORKER_OF_ATTEMPT, other, at_work, living)


# Of an alias: inside an update of attempts, the table itself would be the row that is updated.
def _beside(
    worker_id: str | BindParameter[str], other: FromClause[AttemptColumns], *which: ColumnElement[bool]
) -> ScalarSelect[int]:
    me = WORKER.alias()
    same = and_(WORKER.c.host == me.c.host, WORKER.c.boot_id == me.c.boot_id, WORKER.c.device == me.c.device)
    return (
        select(func.count(distinct(other.c.worker_id)))
        .select_from(me)
        .join(WORKER, same)
        .join(other, other.c.worker_id == WORKER.c.id)
        .where(me.c.id == worker_id, *which)
        .scalar_subquery()
    )


def device_use(store: Store, study_id: int, *, device: str, host: str, gpu: str | None) -> DeviceUse:
    """Read how much memory the runs of a study took, and how fast they were trained, on one kind of device.

    Args:
        store: The open database.
        study_id: Row id of the study.
        device: `cpu`, or any name of a CUDA device, such as `cuda:0`.
        host: Name of this machine: attempts on the CPU count only where they ran on it.
        gpu: Model name of the GPU: attempts on equal models count, on whatever machine. None for a CPU.

    Returns:
        Peak memory and the newest speeds of the attempts on that kind of device.
    """

    def work(connection: Connection) -> DeviceUse:
        of_study = ATTEMPT.c.run_id.in_(select(CELL.c.run_id).where(CELL.c.study_id == study_id))
        who = select(WORKER.c.id, WORKER.c.device, WORKER.c.host, WORKER.c.environment)
        workers = connection.execute(who.where(WORKER.c.id.in_(select(ATTEMPT.c.worker_id).where(of_study)))).all()
        like = [row.id for row in workers if _alike(row, device, host, gpu)]
        on_device = and_(of_study, ATTEMPT.c.worker_id.in_(like))
        ends = set(connection.scalars(select(ATTEMPT.c.end_reason).where(on_device).distinct()))
        peak = connection.scalars(select(func.max(ATTEMPT.c.peak_bytes)).where(on_device)).one()
        return DeviceUse({AttemptEnd.TRAINED, AttemptEnd.COMPLETE} <= ends, peak, _speeds(connection, on_device))

    return store.read(work)


def _alike(row: Any, device: str, host: str, gpu: str | None) -> bool:
    if device == "cpu":
        return bool(row.device == "cpu" and row.host == host)
    return str(row.device).startswith("cuda") and bool(row.environment.get("gpu") == gpu)


def _speeds(connection: Connection, on_device: ColumnElement[bool]) -> tuple[Speed, ...]:
    speed, workers = METRIC.alias(), METRIC.alias()
    of_attempt = and_(
        ATTEMPT.c.run_id == speed.c.run_id, ATTEMPT.c.token == speed.c.token, ATTEMPT.c.score_id.is_(None)
    )
    same_point = and_(workers.c.run_id == speed.c.run_id, workers.c.step == speed.c.step, workers.c.name == WORKERS)
    points = (
        select(speed.c.value.label("speed"), workers.c.value.label("workers"), RUN.c.config)
        .join(ATTEMPT, of_attempt)
        .join(workers, same_point)
        .join(RUN, RUN.c.id == speed.c.run_id)
        .where(on_device, speed.c.name == SPEED, speed.c.value > 0)
        .order_by(ATTEMPT.c.id.desc(), speed.c.step.desc())
        .limit(NEWEST_POINTS)
    )
    return tuple(Speed(_kind(row.config), int(row.workers), row.speed) for row in connection.execute(points))


def _kind(config: Mapping[str, Any]) -> str:
    return canonical_json([config.get(name) for name in ("data", "net", "batch", "precision")])
