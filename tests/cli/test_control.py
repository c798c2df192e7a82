"""Control verbs on a store with a study whose runs are planned by hand: nothing is trained here."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from sweep.api.launch_result import finished_result
from sweep.cli.app import app
from sweep.cli.launch import print_result
from sweep.config.run import Protocol, TrainConfig
from sweep.config.study import Study
from sweep.errors import StoreMismatch, UsageError
from sweep.executors.garbage import Survey
from sweep.executors.register import identity, matching_study, register
from sweep.files.file_store import FileStore
from sweep.files.transfer import StoredFile
from sweep.planning.plan import study_plan
from sweep.search.remaining import status_of
from sweep.store import (
    Store,
    cells,
    claim,
    events,
    fail,
    finish_training,
    open_store,
    register_worker,
    release,
    set_study_state,
    study,
)
from sweep.store.records import StudyRecord, WorkerRecord
from tests.helpers.played_studies import play
from tests.helpers.tiny_store import file_of, new_worker

SPEC: dict[str, Any] = {
    "name": "tiny",
    "question": "Does it matter?",
    "baseline": {"net": {"kind": "mlp", "width": 32}, "T": 50, "batch": 16, "images": 160, "sampling_steps": 8},
    "factors": {"schedule": {"role": "scientific", "levels": ["cosine"]}},
    "seeds": 2,
    "protocol": {"n": 64},
}
PROTOCOL = Protocol(extractor="digits", extractor_sha256="e" * 64, reference_sha256="f" * 64, n=64)

Sweep = Callable[..., Result]


@pytest.fixture
def planned(sqlite_url: str) -> Store:
    """A store with the study in it, planned."""
    store = open_store(sqlite_url, patience_seconds=10)
    register(store, study_plan(Study.model_validate(SPEC)), PROTOCOL, accept_change=False)
    return store


@pytest.fixture
def sweep(planned: Store, sqlite_url: str, tmp_path: Path) -> Sweep:
    """`sweep(*arguments)`: the command on that store, in this process."""

    def run(*arguments: str) -> Result:
        environment = {"SWEEP_STORAGE": sqlite_url, "SWEEP_FILES": str(tmp_path)}
        return CliRunner().invoke(app, list(arguments), env=environment)

    return run


def the_study(store: Store) -> StudyRecord:
    """As it is now."""
    return study(store, "tiny")


def write(spec: dict[str, Any], folder: Path) -> str:
    """The spec as a file."""
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(spec))
    return str(path)


@pytest.mark.parametrize(
    ("verb", "state"), [("pause", "paused"), ("stop", "stopped"), ("cancel", "cancelled")], ids=lambda value: value
)
def test_a_study_that_is_held_hands_out_nothing_until_it_is_resumed(
    planned: Store, sweep: Sweep, verb: str, state: str
) -> None:
    assert sweep(verb, "tiny").exit_code == 0
    assert the_study(planned).state == state
    worker = new_worker(planned)
    assert claim(planned, the_study(planned).id, worker) is None
    assert "sweep resume tiny" in sweep("status", "tiny").stdout
    assert sweep("resume", "tiny").exit_code == 0
    if verb != "cancel":
        assert claim(planned, the_study(planned).id, worker) is not None


def test_a_cancelled_study_is_taken_up_again_by_resume_and_launch(planned: Store, sweep: Sweep) -> None:
    sweep("cancel", "tiny")
    assert {cell.run_state for cell in cells(planned, the_study(planned).id)} == {"cancelled"}
    sweep("resume", "tiny")
    register(planned, study_plan(Study.model_validate(SPEC)), PROTOCOL, accept_change=False)
    assert {cell.run_state for cell in cells(planned, the_study(planned).id)} == {"planned"}


def test_extend_adds_seeds_as_a_revision_that_says_so(planned: Store, sweep: Sweep) -> None:
    before = {cell.train_key for cell in cells(planned, the_study(planned).id)}
    assert sweep("extend", "tiny", "--seeds", "+1").exit_code == 0
    after = cells(planned, the_study(planned).id)
    assert (the_study(planned).revision, len(before), len(after)) == (2, 4, 6)
    assert before < {cell.train_key for cell in after}
    # The file that says the same is the same study.
    assert (
        matching_study(planned, study_plan(Study.model_validate(SPEC | {"seeds": 3})), accept_change=False) is not None
    )


def test_more_seeds_add_an_interim_analysis_until_the_first_one_is_reached(sqlite_url: str, sweep: Sweep) -> None:
    """Seeds added after an analysis would make another that nobody declared: refused, with the way to ask anew."""
    store = open_store(sqlite_url, patience_seconds=10)
    asked = Study.model_validate(SPEC | {"name": "looked", "seeds": 6, "interim_analyses": {"at": [3, 6]}})
    record = register(store, study_plan(asked), PROTOCOL, accept_change=False)
    assert sweep("extend", "looked", "--seeds", "+2").exit_code == 0
    grown = study(store, "looked")
    assert (grown.revision, grown.spec["seeds"], grown.spec["interim_analyses"]["at"]) == (2, 8, [3, 6, 8])
    play(store, Study.model_validate(grown.spec), record.id, lambda train, evaluation: 1.0, owner=new_worker(store))
    refused = sweep("extend", "looked", "--seeds", "+2").exception
    assert isinstance(refused, UsageError)
    assert "interim analysis after 8 seeds" in refused.what
    assert "first_seed: 8" in refused.next
    assert study(store, "looked").revision == 2
    store.close()


BAD_GROWTH = [
    ["--seeds", "2"],
    ["--seeds", "some"],
    ["--trials", "+3"],
    [],
    ["--seeds", "+1000000000"],
    ["--seeds", "9" * 5000],
    ["--budget", f"{'9' * 400}h"],
]


@pytest.mark.parametrize("arguments", BAD_GROWTH, ids=lambda arguments: " ".join(arguments)[:30])
def test_extend_refuses_what_does_not_grow_or_grows_beyond_bounds(sweep: Sweep, arguments: list[str]) -> None:
    refused = sweep("extend", "tiny", *arguments)
    assert isinstance(refused.exception, UsageError)
    assert refused.exception.next


def test_a_changed_file_is_refused_and_the_change_is_shown(planned: Store, sweep: Sweep, tmp_path: Path) -> None:
    # optuna#2328, wandb/examples#71: the space changes mid-study; old results stay and nothing is mixed.
    changed = SPEC | {"factors": {"schedule": {"role": "scientific", "levels": ["sigmoid_beta"]}}, "seeds": 3}
    with pytest.raises(StoreMismatch, match="another content"):
        matching_study(planned, study_plan(Study.model_validate(changed)), accept_change=False)
    shown = json.loads(sweep("space", "diff", write(changed, tmp_path), "--json").stdout)
    kinds = {(row["arm"], row["seed"]): row["change"] for row in shown}
    assert kinds == {
        ("baseline", 0): "kept",
        ("baseline", 1): "kept",
        ("baseline", 2): "added",
        ("schedule=sigmoid_beta", 0): "added",
        ("schedule=sigmoid_beta", 1): "added",
        ("schedule=sigmoid_beta", 2): "added",
        ("schedule=cosine", 0): "dropped",
        ("schedule=cosine", 1): "dropped",
    }


def test_a_default_written_out_is_no_change() -> None:
    plain, explicit = Study.model_validate(SPEC), Study.model_validate(SPEC | {"first_seed": 0, "metric": "fid"})
    assert identity(plain) == identity(explicit)
    other = Study.model_validate(SPEC | {"design": "factorial"})
    assert identity(plain) != identity(other)


def failed_run(store: Store, failure: Any) -> int:
    """One run that failed for good."""
    held = claim(store, the_study(store).id, new_worker(store))
    assert held is not None
    fail(store, held, failure, "because", final=True)
    return held.run_id


def test_failed_runs_are_run_again_by_class(planned: Store, sweep: Sweep) -> None:
    # nni#4947, wandb#6594: run the failures again, and only those.
    memory, bug = failed_run(planned, "oom"), failed_run(planned, "bug")
    assert sweep("trials", "rerun", "tiny", "--failed=oom,infra").exit_code == 0
    states = {cell.run_id: cell.run_state for cell in cells(planned, the_study(planned).id)}
    assert (states[memory], states[bug]) == ("planned", "failed")
    assert isinstance(sweep("trials", "rerun", "tiny", "--failed=nan").exception, UsageError)


def test_an_excluded_run_keeps_its_numbers_and_says_why(planned: Store, sweep: Sweep) -> None:
    # optuna#685, optuna#5605: leave out a bad trial.
    (first, *_) = cells(planned, the_study(planned).id)
    assert sweep("trials", "exclude", "tiny", str(first.run_id), "--reason", "fan broke").exit_code == 0
    (found,) = [cell for cell in cells(planned, the_study(planned).id) if cell.cell_id == first.cell_id]
    assert (found.state, found.excluded_reason) == ("excluded", "fan broke")
    assert isinstance(sweep("trials", "exclude", "tiny", "999", "--reason", "x").exception, UsageError)


def test_repro_writes_the_config_and_prints_the_command(planned: Store, sweep: Sweep, tmp_path: Path) -> None:
    (first, *_) = cells(planned, the_study(planned).id)
    path = tmp_path / "again.json"
    shown = sweep("trials", "repro", "tiny", str(first.run_id), "--out", str(path))
    assert shown.stdout.split() == ["sweep", "train", str(path), "--out", str(path.with_suffix(""))]
    from sweep.config.keys import train_key

    assert train_key(TrainConfig.model_validate_json(path.read_text())) == first.train_key


def test_repro_trains_where_and_as_wide_as_the_run_was_trained(planned: Store, sweep: Sweep, tmp_path: Path) -> None:
    # A run of the clipped variational weight ended 2 % apart in its validation loss on one thread and on two.
    worker = new_worker(planned, threads=3)
    held = claim(planned, the_study(planned).id, worker)
    assert held is not None
    finish_training(planned, held, weights=file_of(held, "weights"), parameters=1, seconds=1.0)
    shown = sweep("trials", "repro", "tiny", str(held.run_id), "--out", str(tmp_path / "again.json"))
    assert shown.stdout.split()[-4:] == ["--device", "cpu", "--threads", "3"]


def test_doctor_names_dead_workers_work_and_frees_it(planned: Store, sweep: Sweep) -> None:
    # optuna#485: find and free trials whose process is gone.
    from sweep.worker.identity import boot_id, host

    register_worker(planned, WorkerRecord("w" * 36, host(), boot_id(), 2**22 - 1, 1.0, "cpu", {}))
    held = claim(planned, the_study(planned).id, "w" * 36, ttl=600.0)
    assert held is not None
    reaped = sweep("doctor", "--reap")
    assert "1 dead worker of this machine" in reaped.stderr
    again = claim(planned, the_study(planned).id, new_worker(planned), kinds=["train"])
    assert again is not None
    assert again.run_id == held.run_id
    assert "takeover" in {event.kind for event in events(planned, the_study(planned).id)}


def test_gc_deletes_its_own_files_when_told_and_counts_those_of_others(
    planned: Store, sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = claim(planned, the_study(planned).id, new_worker(planned))
    assert held is not None
    lost, legacy = (tmp_path / "runs/ab/abcd" / f"0000000001.{name}.pt" for name in (held.attempt_name, "1"))
    lost.parent.mkdir(parents=True)
    for path in (lost, legacy):
        path.write_bytes(b"x" * 100)
        os.utime(path, (1.0, 1.0))
    assert str(lost) not in sweep("gc").stdout, "its attempt lives"
    release(planned, held, "preempted")
    assert str(lost) not in sweep("gc").stdout, "its attempt has just ended"
    monkeypatch.setattr("sweep.executors.garbage.MIN_AGE_SECONDS", 0.0)
    listed = sweep("gc")
    assert listed.stdout.split() == [str(lost)]
    assert "(100 B) of store" in listed.stderr
    assert "1 file (100 B) that name no store" in listed.stderr
    assert sweep("gc", "--foreign").stdout.split() == [str(legacy)]
    assert isinstance(sweep("gc", "--foreign", "--delete").exception, UsageError)
    assert lost.exists()
    assert sweep("gc", "--delete").exit_code == 0
    assert (lost.exists(), legacy.exists()) == (False, True)


def test_gc_says_which_files_cannot_be_deleted(planned: Store, sweep: Sweep, tmp_path: Path) -> None:
    stored = StoredFile("runs/ab", str(tmp_path / "runs/ab"), 1, 0.0)
    (tmp_path / "runs/ab").mkdir(parents=True)  # a folder cannot be deleted as a file, whoever tries
    assert FileStore(tmp_path).delete(stored)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sweep.api.garbage.survey", lambda *_: Survey("abcd1234", (stored,), {}))
        refused = sweep("gc", "--delete")
    assert refused.exit_code == 1
    assert "cannot be deleted" in refused.stderr


@pytest.mark.parametrize("name", ["'; DROP TABLE run", "../../x", "<script>", "x" * 513, "A", "ѕtudy", ""])
def test_hostile_study_names_are_refused(sweep: Sweep, name: str) -> None:
    for verb in (["pause", name], ["status", name], ["trials", "ls", name], ["trials", "repro", name, "1"]):
        refused = sweep(*verb)
        assert isinstance(refused.exception, UsageError), verb


@pytest.mark.parametrize(
    ("state", "following"), [("active", "sweep launch s.yaml"), ("stopped", "sweep resume tiny; sweep launch s.yaml")]
)
def test_a_launch_whose_workers_ended_with_work_left_says_so_and_ends_with_1(
    planned: Store, capsys: pytest.CaptureFixture[str], state: Any, following: str
) -> None:
    found = study(planned, "tiny")
    set_study_state(planned, found.id, state)
    result = finished_result(status_of(planned, found.id))
    print_result(result, "sweep launch s.yaml", [])
    assert result.exit_code == 1
    assert f"next: {following}" in capsys.readouterr().err


def test_the_seed_that_is_shown_is_the_runs_own(planned: Store, sweep: Sweep, tmp_path: Path) -> None:
    """Not the number of the replicate: a study may begin its seeds anywhere."""
    later = SPEC | {"name": "later", "first_seed": 40}
    record = register(planned, study_plan(Study.model_validate(later)), PROTOCOL, accept_change=False)
    work = claim(planned, record.id, new_worker(planned))
    assert work is not None
    assert [row["seed"] for row in json.loads(sweep("trials", "ls", "later", "--json").output)] == [40, 41, 40, 41]
    assert [row["seed"] for row in json.loads(sweep("status", "later", "--json").output)["running"]] == [40]
    fail(planned, work, "bug", "a bug", final=True)
    (failed,) = json.loads(sweep("status", "later", "--json").output)["failures"]
    assert (failed["seed"], failed["replicate"]) == (40, 0)
    file = tmp_path / "later.yaml"
    file.write_text(yaml.safe_dump(later | {"seeds": 3}))
    found = json.loads(sweep("space", "diff", str(file), "--json").output)
    assert [(row["seed"], row["change"]) for row in found if row["arm"] == "baseline"] == [
        (40, "kept"),
        (41, "kept"),
        (42, "added"),
    ]
    assert (
        "baseline, seed 40: excluded" in sweep("trials", "exclude", "later", str(work.run_id), "--reason", "x").output
    )
    assert "replicate 0, seed 40" in sweep("trials", "show", "later", str(work.run_id)).output
