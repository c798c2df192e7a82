"""The files of a training: the last two checkpoints stay, and what cannot be deleted costs a warning."""

from __future__ import annotations

from pathlib import Path

import torch

from sweep.config.study import Cadence, Study
from sweep.files.file_store import Depot
from sweep.store import Store, claim, events
from sweep.store.records import ArtifactRecord
from sweep.training import checkpoint
from sweep.worker.attempt import Attempt
from sweep.worker.interrupt import Interrupt
from sweep.worker.messages import Damaged, Message, Progressed, TrainJob, Warned
from sweep.worker.options import Timing
from sweep.worker.run_files import RunFiles
from tests.faults.tiny import ABLATION
from tests.store.tiny import new_worker, study_with_runs, train_config

FOLDER = "runs/ab/abcd"


def saved(depot: Depot, step: int, attempt: str) -> checkpoint.CheckpointRef:
    return checkpoint.save({"step": step}, depot.path(FOLDER), step=step, attempt=attempt)


def recorded(depot: Depot, step: int) -> ArtifactRecord:
    """A checkpoint of an earlier attempt."""
    ref = saved(depot, step, "1")
    path = f"{FOLDER}/{ref.path.name}"
    depot.put(path)
    return ArtifactRecord("checkpoint", path, ref.sha256, ref.bytes, step)


def job(depot: Depot, *checkpoints: ArtifactRecord) -> TrainJob:
    return TrainJob(train_config(), Cadence(), depot, FOLDER, attempt="2", checkpoints=checkpoints)


def steps(depot: Depot) -> list[int]:
    """Checkpoints on this machine and behind the URL."""
    return sorted(int(Path(stored.path).name[:10]) for stored in depot.listed("runs"))


def test_the_last_two_checkpoints_are_kept_and_recorded_before_others_go(tmp_path: Path) -> None:
    depot = Depot(tmp_path / "here", f"memory://{tmp_path.name}")
    present: list[list[int]] = []
    files = RunFiles(
        job(depot, recorded(depot, 2), recorded(depot, 1)), lambda _: present.append(steps(depot)), lambda: False
    )
    resume = files.newest_checkpoint(torch.device("cpu"))
    assert resume is not None
    assert resume.ref.step == 2
    for step in (3, 4):
        files.saved(saved(depot, step, "2"))
    assert present == [[1, 1, 2, 2, 3, 3], [2, 2, 3, 3, 4, 4]]
    assert steps(depot) == [3, 3, 4, 4]


def test_a_damaged_checkpoint_is_told_and_not_counted_among_the_last_two(tmp_path: Path) -> None:
    depot = Depot(tmp_path)
    old, damaged = recorded(depot, 1), recorded(depot, 2)
    depot.path(damaged.path).write_bytes(b"torn")
    heard: list[Message] = []
    files = RunFiles(job(depot, damaged, old), heard.append, lambda: False)
    resume = files.newest_checkpoint(torch.device("cpu"))
    assert resume is not None
    assert resume.ref.step == 1
    assert [message.path for message in heard if isinstance(message, Damaged)] == [damaged.path]
    files.saved(saved(depot, 3, "2"))
    assert steps(depot) == [1, 2, 3]


def test_old_checkpoints_that_cannot_be_deleted_cost_one_warning_in_the_log(tmp_path: Path, store: Store) -> None:
    depot = Depot(tmp_path)
    study = study_with_runs(store, 1)
    held = claim(store, study.id, new_worker(store))
    assert held is not None
    attempt = Attempt(store, held, Study.model_validate(ABLATION), Interrupt(), Timing())
    heard: list[Message] = []

    def send(message: Message) -> None:
        heard.append(message)
        attempt.hear(message)

    files = RunFiles(job(depot), send, lambda: False)
    for step in range(1, 6):
        ref = saved(depot, step, held.attempt_name)
        files.saved(ref)
        ref.path.unlink()
        ref.path.mkdir()  # no one can delete a folder as a file
    assert [message.checkpoint.step for message in heard if isinstance(message, Progressed) and message.checkpoint] == [
        1, 2, 3, 4, 5
    ]  # fmt: skip
    assert len([message for message in heard if isinstance(message, Warned)]) == 1
    (warning,) = [event for event in events(store, study.id) if event.kind == "warning"]
    assert "cannot be deleted" in warning.message
    assert warning.run_id == held.run_id
