"""When a worker leaves: the real loop on a real store, with a trial process that ends each job at once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sweep.config.study import Study
from sweep.files.file_store import FileStore
from sweep.search.suggest import Advisor
from sweep.store import Store, advisor_lease, cells, open_store, release_advisor, set_study_state
from sweep.store import study as find
from sweep.store.records import ArtifactRecord, Measurement, ScoreResult
from sweep.worker import worker
from sweep.worker.interrupt import Interrupt
from sweep.worker.messages import Failed, Outcome, Ready, Scored, Trained
from sweep.worker.options import Timing, WorkerOptions
from sweep.worker.orders import Job, ScoreJob, TrainJob
from tests.helpers.played_studies import launched

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
STUDY = Study.model_validate(
    {
        "name": "s",
        "question": "?",
        "seeds": 1,
        "baseline": {"data": "digits", "net": "mlp_small", "T": 100},
        "factors": {"lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True}},
        "design": {"kind": "search", "trials": 4, "search_sampler": "random", "confirm": 1},
    }
)


class InstantChild:
    """A trial process that has every result at once."""

    def __init__(self, **_: object) -> None:
        self._jobs = 0

    def start(self) -> Ready:
        return Ready("cpu", {"threads": 1})

    def run(self, job: Job, **_: object) -> Outcome:
        self._jobs += 1
        if isinstance(job, TrainJob):
            weights = ArtifactRecord("weights", f"{job.folder}/{self._jobs}.pt", "b" * 64, 1, job.config.steps)
            return Trained(weights, parameters=1, seconds=1.0)
        value = float(self._jobs)
        measured = [Measurement("fid", 0, value), Measurement("fid", -1, value, 0.1)]
        return Scored(ScoreResult(measured, [], "c" * 64, 1.0, 1.0, 1.0))

    def close(self) -> None:
        pass


def work(store: Store, name: str, folder: Path) -> int:
    """A worker from its start to its end."""
    options = WorkerOptions(device="cpu", threads=1, files=FileStore(folder), timing=Timing(idle=0.01, retry=0.0))
    return worker.Worker(store, find(store, name), options).work()


@pytest.mark.parametrize("taken", [False, True], ids=["over", "taken and given back"])
def test_a_search_whose_every_first_lease_is_lost_has_all_its_trials(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    """The worker is stopped for longer than the advisor's lease, once for each trial, after Optuna answered."""
    record = launched(store, STUDY)
    ask, lost = Advisor.ask, set[int]()

    def stopped(self: Advisor, number: int, *given: object, refused: int) -> object:
        drawn = ask(self, number, *given, refused=refused)
        if number not in lost:
            lost.add(number)
            (me,) = store.read(lambda c: c.exec_driver_sql("SELECT advisor_owner FROM study").scalars().all())
            assert advisor_lease(store, record.id, me, ttl=-1.0)
            if taken:
                assert advisor_lease(store, record.id, "another")
                release_advisor(store, record.id, "another")
        return drawn

    monkeypatch.setattr(worker, "Child", InstantChild)
    monkeypatch.setattr(Advisor, "ask", stopped)
    assert work(store, "s", tmp_path) == 0
    found = cells(store, record.id)
    assert Counter(cell.phase for cell in found) == {"search": 4, "confirm": 2}
    assert {cell.state for cell in found} == {"complete"}
    assert lost == {0, 1, 2, 3}


class ForgetfulChild(InstantChild):
    """Of the weights that were trained first nothing can be read."""

    def run(self, job: Job, **given: object) -> Outcome:
        if isinstance(job, ScoreJob) and job.weights.path.endswith("/1.pt"):  # of the first job
            return Failed("weights", "its bytes do not have the recorded hash", seconds=1.0)
        return super().run(job, **given)


def test_a_run_whose_weights_cannot_be_read_is_trained_again_and_nothing_fails(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = launched(store, STUDY)
    monkeypatch.setattr(worker, "Child", ForgetfulChild)
    assert work(store, "s", tmp_path) == 0
    assert Counter(cell.state for cell in cells(store, record.id)) == {"complete": 6}


def test_a_worker_that_waits_holds_no_connection(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands may wait at the end of a study, and a server has room for a hundred."""
    store = open_store(postgres_url, patience_seconds=20)
    set_study_state(store, launched(store, STUDY).id, "paused")
    held: list[int] = []

    def waits(self: Interrupt, _seconds: float) -> None:
        held.append(store.engine.pool.checkedin())
        if len(held) == 3:
            set_study_state(store, find(store, "s").id, "stopped")

    monkeypatch.setattr(worker, "Child", InstantChild)
    monkeypatch.setattr(Interrupt, "wait", waits)
    assert work(store, "s", tmp_path) == 0
    assert held == [0, 0, 0]
    store.close()
