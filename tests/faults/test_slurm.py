"""Workers as an array of Slurm jobs, on a real Slurm: what preemption, requeues and dead nodes do to a study."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sweep.store import open_store, study
from sweep.store.records import StudyRecord
from tests.faults.conftest import Calm
from tests.helpers.slurm_cluster import Slurm, slurm_cluster
from tests.helpers.study_outcome import attempt_ends, check_invariants, outcome
from tests.helpers.tiny_studies import ABLATION, LONG, with_baseline, write
from tests.helpers.worker_processes import gpus_of_workers, training, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

ENDLESS = with_baseline(LONG, images=16_000_000) | {"name": "tiny-endless"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Slurm]:
    """Two nodes of one CPU each, so that two jobs run, on one thread each."""
    with slurm_cluster() as running:
        yield running


class Login:
    """The login node of the cluster: a store, a folder of files, a study file."""

    def __init__(self, cluster: Slurm, url: str, files: Path) -> None:
        self.cluster, self.url, self.files = cluster, url, files
        self.store = open_store(url, patience_seconds=30)

    def launch(self, spec: dict[str, Any], *more: str) -> subprocess.Popen[str]:
        """`sweep launch` with two jobs."""
        file = write(spec, self.files.parent)
        # In a folder with a `sweep.py` of the user's, which no job may import in place of ours.
        (self.files.parent / "sweep.py").write_text("raise SystemExit('a sweep.py of the user was imported')")
        return subprocess.Popen(
            [
                Path(sys.executable).with_name("sweep"),
                "launch",
                str(file),
                "--executor",
                "slurm",
                "-n",
                "2",
                "--device",
                "cpu",
                "-o",
                "partition=main",
                "-o",
                "cpus=1",
                *more,
            ],
            cwd=self.files.parent,
            env=self.cluster.environment | {"SWEEP_STORAGE": self.url, "SWEEP_FILES": str(self.files)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def submitted(self, spec: dict[str, Any], *more: str) -> StudyRecord:
        """The study, once two jobs work on it and nobody watches."""
        launched = self.launch(spec, "--detach", *more)
        _, said = launched.communicate(timeout=120)
        assert launched.returncode == 0, said
        found = study(self.store, spec["name"])
        until(lambda: [state for state, _ in self.cluster.queue().values()] == ["RUNNING"] * 2, 120)
        until(lambda: training(self.store, found) and len(attempt_ends(self.store)) == 2)
        return found

    def said(self) -> str:
        """What the jobs wrote."""
        return "\n".join(path.read_text() for path in sorted((self.files / "slurm").rglob("*.err")))


@pytest.fixture
def login(cluster: Slurm, postgres_url: str, files: Path) -> Iterator[Login]:
    """A fresh login; its jobs are gone at the end."""
    opened = Login(cluster, postgres_url, files)
    yield opened
    cluster.run("scancel", "--user", str(os.getuid()))
    until(lambda: not cluster.queue(), 60)
    opened.store.close()


def test_an_array_of_slurm_jobs_runs_a_study_to_its_end(login: Login, undisturbed: dict[str, Any]) -> None:
    launched = login.launch(ABLATION)
    shown, said = launched.communicate(timeout=240)
    assert launched.returncode == 0, said + login.said()
    assert "submitted 2 jobs" in said
    assert "done; next: sweep report tiny" in shown
    check_invariants(login.store)
    assert attempt_ends(login.store) == ["trained"] * 4
    assert outcome(login.store, study(login.store, "tiny").id) == undisturbed
    # Where the store is, and its password, reaches the jobs by their environment alone.
    written = [path.read_bytes() for path in (login.files / "slurm").rglob("*") if path.is_file()]
    assert written
    assert not any(login.url.encode() in content for content in written)


def test_each_job_gets_the_gpu_that_it_asks_for(login: Login) -> None:
    login.submitted(ENDLESS, "-o", "gpus=1")
    assert gpus_of_workers("tiny-endless") == ["0", "0"], "one on each node"
    for job in sorted(login.cluster.queue()):
        assert "gpu:1" in login.cluster.run("scontrol", "show", "job", job)


def requeued(cluster: Slurm, job: str) -> None:
    """By the administrator, or by a preemption without grace."""
    cluster.run("scontrol", "requeue", job)


def preempted(cluster: Slurm, job: str) -> None:
    """By a job of a partition that goes first: a SIGTERM at once, the end after the grace time."""
    node = cluster.queue()[job][1]
    cluster.run("sbatch", "-p", "urgent", "-w", node, "-o", "/dev/null", "--wrap", "sleep 2")


def near_its_limit(cluster: Slurm, job: str) -> None:
    """The signal that Slurm sends ahead of a time limit."""
    cluster.run("scancel", "--signal=USR2", job)


def test_a_slurm_job_that_is_preempted_or_near_its_limit_saves_and_is_queued_again(login: Login) -> None:
    # submitit#1732, hydra#2042: a job that ends by itself, with whatever exit code, is never queued again.
    login.submitted(ENDLESS)
    for number, (job, fault) in enumerate(zip(sorted(login.cluster.queue()), (near_its_limit, preempted), strict=True)):
        fault(login.cluster, job)
        until(lambda: attempt_ends(login.store).count("released: preempted") > number, 60)  # noqa: B023 - called in this round
        # Slurm holds a requeued job back for two minutes; it is not waited for.
        until(lambda: login.cluster.queue().get(job, ("", ""))[0] == "PENDING", 60)  # noqa: B023 - called in this round
        assert "Restarts=1" in login.cluster.run("scontrol", "show", "job", job), login.said()
    assert "no requeue requested" not in login.said()


def test_a_requeued_slurm_job_saves_and_a_cancelled_one_does_not_come_back(login: Login) -> None:
    login.submitted(ENDLESS)
    again, over = sorted(login.cluster.queue())
    requeued(login.cluster, again)
    until(lambda: attempt_ends(login.store).count("released: preempted") == 1, 60)
    until(lambda: login.cluster.queue().get(again, ("", ""))[0] == "PENDING", 60)
    login.cluster.run("scancel", over)
    until(lambda: attempt_ends(login.store).count("released: preempted") == 2, 60)
    until(lambda: over not in login.cluster.queue(), 60)
    assert "is in state COMPLETING: no requeue requested" in login.said()
    assert login.cluster.queue()[again][0] == "PENDING"


def test_a_dead_slurm_node_costs_a_job_and_no_work(login: Login, calm: Calm) -> None:
    found = login.submitted(LONG)
    job, (_, node) = sorted(login.cluster.queue().items())[0]
    login.cluster.kill_node(node)
    try:
        until(lambda: login.cluster.queue().get(job, ("", ""))[0] == "PENDING", 90)
        # The same command submits nothing in place of the job that waits, and ends with the study, if that has not
        # ended by now; then there is nothing to wait for.
        launched = login.launch(LONG)
        _, said = launched.communicate(timeout=240)
        assert launched.returncode == 0, said + login.said()
        assert "submitted" not in said
        check_invariants(login.store)
        assert "expired" in attempt_ends(login.store)
        assert outcome(login.store, found.id) == calm(LONG)
        until(lambda: job not in login.cluster.queue(), 30)
    finally:
        login.cluster.start_node(node)
