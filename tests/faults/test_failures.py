"""Runs that fail by themselves: each class of failure is told apart, recorded, and met with its policy."""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from sweep.files.file_store import FileStore
from sweep.files.hashes import sha256_of_file
from sweep.store import Store, artifacts, cells, events, open_store, status
from sweep.store.sql.schema import RUN
from tests.faults.conftest import Team
from tests.helpers.study_outcome import attempt_ends, check_invariants, outcome
from tests.helpers.tiny_studies import ABLATION, with_baseline, write
from tests.helpers.typed_commands import Command
from tests.helpers.worker_processes import QUICK, ended, training, trial_of, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

# Decay times rate is far above 2: the weights grow without bound, and are NaN at step 3.
DIVERGES: dict[str, Any] = {"optimizer": "adamw", "lr": 9.9, "weight_decay": 1000.0}
# On images of 8 pixels there is no feature map of 16.
NO_SUCH_NET: dict[str, Any] = {
    "kind": "unet",
    "channels": 8,
    "channel_mults": [1, 1],
    "groups": 4,
    "attention_resolutions": [16],
}


def one_arm(**changes: Any) -> dict[str, Any]:
    """The small ablation with one good arm and one of these settings."""
    return ABLATION | {"factors": {"trouble": {"role": "scientific", "levels": {"yes": changes}}}}


def test_a_diverged_run_is_infeasible_keeps_its_evidence_and_is_not_retried(
    local_store: Store, team: Team, files: Path
) -> None:
    # optuna#2169, hydra PR#3451: NaN must not stop the sweep. "Why did it return nan, with what params?"
    study, workers = team(local_store, one_arm(**DIVERGES))
    assert ended(workers.start()) == 0
    found = {(cell.arm_name, cell.state) for cell in cells(local_store, study.id)}
    assert found == {("baseline", "complete"), ("trouble=yes", "infeasible")}
    assert attempt_ends(local_store).count("nan") == 2
    (first, *_) = [event for event in events(local_store, study.id) if event.kind == "nan"]
    assert "step 3" in first.message
    assert first.detail["evidence"]
    check_invariants(local_store)

    database = Path(str(local_store.engine.url.database))
    command = Command(database, files, write(one_arm(**DIVERGES), files.parent))
    launched = command.launch()
    shown, said = launched.communicate(timeout=300)
    assert launched.returncode == 0, said  # a result, not a failure
    assert "step 3" in shown


def _with_net(net: dict[str, Any]) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        for run, config in connection.execute(select(RUN.c.id, RUN.c.config)).all():
            connection.execute(update(RUN).where(RUN.c.id == run).values(config=config | {"net": net}))

    return work


def test_a_study_that_always_meets_the_same_bug_stops_after_three(local_store: Store, team: Team) -> None:
    study, workers = team(local_store, ABLATION | {"seeds": 4})
    # `plan` refuses such a net, so it stands for a bug that no check foresees.
    local_store.write(_with_net(NO_SUCH_NET))
    assert ended(workers.start()) == 0
    now = status(local_store, study.id)
    assert now.study.state == "stopped"
    assert [failure.failure for failure in now.failures] == ["bug"] * 3
    assert now.runs_left == 5
    (stop,) = [event.message for event in events(local_store, study.id) if event.kind == "study"]
    assert "3 runs failed with the same error" in stop


def test_a_full_disk_delays_the_run_and_leaves_no_torn_file(
    local_store: Store, team: Team, files: Path, undisturbed: dict[str, Any]
) -> None:
    study, workers = team(local_store)
    worker = workers.start()
    until(lambda: training(local_store, study))
    # The kernel refuses longer files of this process, as a full disk would.
    resource.prlimit(trial_of(worker), resource.RLIMIT_FSIZE, (4096, 4096))
    assert ended(worker) == 0
    assert "released: disk_full" in attempt_ends(local_store)
    assert {"disk_full"} <= {event.kind for event in events(local_store, study.id)}
    assert not list(files.rglob("*.tmp"))
    check_invariants(local_store)
    assert outcome(local_store, study.id) == undisturbed


def test_a_folder_that_cannot_be_written_is_the_machines_fault(
    local_store: Store, team: Team, files: Path, undisturbed: dict[str, Any]
) -> None:
    study, workers = team(local_store, timing=replace(QUICK, retry=1.0))
    (files / "runs").touch()
    worker = workers.start()
    until(lambda: "infra" in attempt_ends(local_store))
    (files / "runs").unlink()
    assert ended(worker) == 0
    check_invariants(local_store)
    assert outcome(local_store, study.id) == undisturbed


def test_a_machine_whose_disk_takes_no_files_takes_no_work(
    local_store: Store, team: Team, undisturbed: dict[str, Any]
) -> None:
    # It would fail run after run, and use up the tries of all of them.
    study, workers = team(local_store)
    whole = workers.how
    workers.how = replace(whole, files=FileStore(Path("/sys/kernel")))  # no process may make a file there
    barred = workers.start()
    until(lambda: "this worker is not claiming work: /sys/kernel" in workers.said())
    workers.how = whole
    assert ended(workers.start()) == 0
    assert ended(barred, 60) == 0
    assert set(attempt_ends(local_store)) == {"trained"}
    assert outcome(local_store, study.id) == undisturbed


def test_a_run_out_of_memory_goes_on_in_slices_of_the_same_batch(local_store: Store, team: Team) -> None:
    # pykeen#129, optuna#1224. The kernel refuses memory to the process: a real allocator error, on the CPU.
    deep = {"net": {"kind": "mlp", "width": 128, "depth": 32}, "batch": 8192, "images": 8192}
    spec = with_baseline(ABLATION, **deep) | {"factors": {}, "seeds": 1}
    study, workers = team(local_store, spec)
    worker = workers.start(memory=230_000_000)
    assert ended(worker) == 0, workers.said()
    ends = attempt_ends(local_store)
    assert ends[0] == "oom"
    assert ends[-1] == "trained", status(local_store, study.id).failures
    sliced = [event.message for event in events(local_store, study.id) if event.kind == "micro_batches"]
    assert len(sliced) == ends.count("oom") >= 1
    check_invariants(local_store)


def test_two_databases_share_a_folder_and_neither_disturbs_the_other(
    local_store: Store, team: Team, files: Path, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    # ray#8441: a checkpoint that was needed was deleted. Also a database that was deleted and made anew.
    from sweep.executors.garbage import survey

    study, workers = team(local_store)
    assert ended(workers.start()) == 0
    named = {files / artifact.path: artifact.sha256 for artifact in artifacts(local_store)}

    second = open_store(f"sqlite:///{tmp_path}/anew.db", patience_seconds=30)
    study, workers = team(second)
    assert ended(workers.start()) == 0
    check_invariants(second)
    assert outcome(second, study.id) == undisturbed, "the same runs at the same tokens"
    assert {path: sha256_of_file(path) for path in named} == named
    for store, other in ((local_store, second), (second, local_store)):
        found = survey(store, FileStore(files), min_age_seconds=0.0)
        others = {artifact.path for artifact in artifacts(other)}
        assert others <= {stored.path for of_store in found.foreign.values() for stored in of_store}
        assert not others & {stored.path for stored in found.garbage}
    second.close()
