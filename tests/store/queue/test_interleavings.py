"""Random interleavings of three workers on two runs against a model of ten lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import func, select, update

from sweep.errors import LeaseLost
from sweep.store import (
    MAX_CRASHES,
    MAX_LOST_WORKERS,
    Store,
    add_cells,
    claim,
    curves,
    end_worker,
    fail,
    finish_training,
    heartbeat,
    progress,
    release,
)
from sweep.store.queue.leases import EXPIRED_AT_ONCE
from sweep.store.records import Claim, MetricPoint
from sweep.store.sql.schema import ATTEMPT, RUN
from tests.helpers.tiny_store import file_of, new_cell, new_study, new_worker

RUNS = 2
WORKERS = st.sampled_from([0, 1, 2])


@dataclass
class Run:
    """What must be true of a run."""

    state: str = "planned"
    owner: int | None = None
    token: int = 0
    crashes: int = 0
    lost: int = 0
    checkpoint: int = 0
    lapsed: bool = False
    points: dict[int, int] = field(default_factory=dict)

    def give_back(self, state: str) -> None:
        self.state, self.owner, self.lapsed = state, None, False


class Workers(RuleBasedStateMachine):
    """Each worker keeps the claim that it believes in, however old."""

    store: ClassVar[Store]
    number: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        Workers.number += 1
        self.study = new_study(self.store, f"study-{Workers.number}")
        cells = [new_cell(1000 * Workers.number + replicate) for replicate in range(RUNS)]
        add_cells(self.store, self.study.id, cells)
        query = select(RUN.c.id).order_by(RUN.c.id.desc()).limit(RUNS)
        ids = self.store.read(lambda connection: list(connection.scalars(query)))
        self.model = {run_id: Run() for run_id in ids}
        self.workers = [new_worker(self.store) for _ in range(3)]
        self.believed: list[Claim | None] = [None, None, None]
        self.step = 0

    def holds(self, worker: int) -> bool:
        """Whether what this worker believes is so."""
        claimed = self.believed[worker]
        assert claimed is not None
        run = self.model[claimed.run_id]
        return run.state == "training" and run.owner == worker and run.token == claimed.token

    @rule(worker=WORKERS)
    def take(self, worker: int) -> None:
        work = claim(self.store, self.study.id, self.workers[worker], kinds=("train",), ttl=1000)
        mine = [i for i, run in self.model.items() if run.owner == worker]
        for run in self.model.values():
            if not mine and run.lapsed and run.lost >= MAX_LOST_WORKERS:
                run.give_back("failed")
        free = [i for i, run in self.model.items() if run.state == "planned" or run.lapsed]
        if work is None:
            assert not mine
            assert not free
            return
        run = self.model[work.run_id]
        if mine:
            assert work.run_id == mine[0]
            run.lapsed = False
        else:
            assert work.run_id in free
            run.lost += run.lapsed
            run.state, run.owner, run.token, run.lapsed = "training", worker, run.token + 1, False
        assert (work.token, work.crashes) == (run.token, run.crashes)
        assert (work.checkpoints[0].step if work.checkpoints else 0) == run.checkpoint
        self.believed[worker] = work

    def attempt(self, worker: int, write: object) -> Run | None:
        """Write as this worker; None, and no trace, when it must be refused."""
        claimed = self.believed[worker]
        assert claimed is not None
        assert callable(write)
        if self.holds(worker):
            write(claimed)
            return self.model[claimed.run_id]
        with pytest.raises(LeaseLost):
            write(claimed)
        return None

    @precondition(lambda self: any(self.believed))
    @rule(worker=WORKERS)
    def renew(self, worker: int) -> None:
        if self.believed[worker] and (run := self.attempt(worker, lambda c: heartbeat(self.store, c, ttl=1000))):
            run.lapsed = False

    @precondition(lambda self: any(self.believed))
    @rule(worker=WORKERS, saves=st.booleans())
    def advance(self, worker: int, saves: bool) -> None:
        if not self.believed[worker]:
            return
        self.step += 1
        step = self.step

        def write(c: Claim) -> None:
            points = [MetricPoint("loss", step, step, float(c.token))]
            checkpoint = file_of(c, step=step) if saves else None
            progress(self.store, c, step=step, images=step, points=points, checkpoint=checkpoint)

        if run := self.attempt(worker, write):
            run.points[step] = run.token
            run.crashes = run.lost = 0
            if saves:
                run.checkpoint = step

    @precondition(lambda self: any(self.believed))
    @rule(worker=WORKERS, end=st.sampled_from(["finish", "release", "retry", "fail"]))
    def end(self, worker: int, end: str) -> None:
        claimed = self.believed[worker]
        if claimed is None:
            return
        weights = file_of(claimed, "weights")
        ends = {
            "finish": lambda c: finish_training(self.store, c, weights=weights, parameters=1, seconds=1.0),
            "release": lambda c: release(self.store, c, "preempted"),
            "retry": lambda c: fail(self.store, c, "infra", "", final=False),
            "fail": lambda c: fail(self.store, c, "bug", "", final=True),
        }
        if run := self.attempt(worker, ends[end]):
            over = end == "fail" or (end == "retry" and run.crashes >= MAX_CRASHES)
            run.crashes += end in ("retry", "fail")
            run.give_back("trained" if end == "finish" else "failed" if over else "planned")
        self.believed[worker] = None

    @rule(worker=WORKERS)
    def lapse(self, worker: int) -> None:
        held = update(RUN).where(RUN.c.owner == self.workers[worker]).values(lease_until=EXPIRED_AT_ONCE)
        self.store.write(lambda connection: connection.execute(held))
        for run in self.model.values():
            run.lapsed = run.lapsed or run.owner == worker

    @rule(worker=WORKERS)
    def say_goodbye(self, worker: int) -> None:
        end_worker(self.store, self.workers[worker], "exit")
        for run in self.model.values():
            run.lapsed = run.lapsed or run.owner == worker

    @invariant()
    def the_store_agrees_with_the_model(self) -> None:
        counted = (RUN.c.crashes, RUN.c.lost_workers)
        query = select(RUN.c.id, RUN.c.state, RUN.c.token, *counted).where(RUN.c.id.in_(self.model))
        rows = self.store.read(lambda connection: connection.execute(query).all())
        for run_id, *found in rows:
            run = self.model[run_id]
            # A lapsed crash loop is only found by the next claim.
            assert found == [run.state, run.token, run.crashes, run.lost] or run.state == "failed"

    def teardown(self) -> None:
        for run_id, run in self.model.items():
            points = curves(self.store, [run_id])[run_id]
            assert {point.step: point.value for point in points} == {k: float(v) for k, v in run.points.items()}
            open_ones = select(func.count()).where(ATTEMPT.c.run_id == run_id, ATTEMPT.c.ended_at.is_(None))
            count = self.store.read(lambda connection, query=open_ones: connection.scalars(query).one())
            assert count == (run.state == "training")


@pytest.mark.faults
def test_no_interleaving_breaks_the_fence(store: Store) -> None:
    Workers.store = store
    run_state_machine_as_test(
        Workers,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
