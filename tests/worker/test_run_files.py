"""The files of a training: the last two checkpoints stay, and what cannot be deleted costs a warning."""

from __future__ import annotations

from pathlib import Path

import torch

from sweep.config.study import Cadence, Study
from sweep.files.file_store import FileStore
from sweep.store import Store, claim, events
from sweep.store.records import ArtifactRecord
from sweep.training import checkpoint
from sweep.worker.attempt import Attempt
from sweep.worker.interrupt import Interrupt
from sweep.worker.messages import Damaged, Message, Progressed, Warned
from sweep.worker.options import Timing
from sweep.worker.orders import TrainJob
from sweep.worker.run_files import RunFiles
from tests.helpers.tiny_store import new_worker, study_with_runs, train_config
from tests.helpers.tiny_studies import ABLATION

FOLDER = "runs/ab/abcd"


def saved(file_store: FileStore, step: int, attempt: str) -> checkpoint.CheckpointRef:
    return checkpoint.save({"step": step}, file_store.path(FOLDER), step=step, attempt=attempt)


def recorded(file_store: FileStore, step: int) -> ArtifactRecord:
    """A checkpoint of an earlier attempt."""
    ref = saved(file_store, step, "1")
    path = f"{FOLDER}/{ref.path.name}"
    file_store.put(path)
    return ArtifactRecord("checkpoint", path, ref.sha256, ref.bytes, step)


def job(file_store: FileStore, *checkpoints: ArtifactRecord) -> TrainJob:
    return TrainJob(train_config(), Cadence(), file_store, FOLDER, attempt="2", checkpoints=checkpoints)


def steps(file_store: FileStore) -> list[int]:
    """Checkpoints on this machine and behind the URL."""
    return sorted(int(Path(stored.path).name[:10]) for stored in file_store.listed("runs"))


def test_the_last_two_checkpoints_are_kept_and_recorded_before_others_go(tmp_path: Path) -> None:
    file_store = FileStore(tmp_path / "here", f"memory://{tmp_path.name}")
    present: list[list[int]] = []
    files = RunFiles(
        job(file_store, recorded(file_store, 2), recorded(file_store, 1)),
        lambda _: present.append(steps(file_store)),
        lambda: False,
    )
    resume = files.newest_checkpoint(torch.device("cpu"))
    assert resume is not None
    assert resume.ref.step == 2
    for step in (3, 4):
        files.on_checkpoint(saved(file_store, step, "2"))
    assert present == [[1, 1, 2, 2, 3, 3], [2, 2, 3, 3, 4, 4]]
    assert steps(file_store) == [3, 3, 4, 4]


def test_a_damaged_checkpoint_is_told_and_not_counted_among_the_last_two(tmp_path: Path) -> None:
    file_store = FileStore(tmp_path)
    old, damaged = recorded(file_store, 1), recorded(file_store, 2)
    file_store.path(damaged.path).write_bytes(b"torn")
    heard: list[Message] = []
    files = RunFiles(job(file_store, damaged, old), heard.append, lambda: False)
    resume = files.newest_checkpoint(torch.device("cpu"))
    assert resume is not None
    assert resume.ref.step == 1
    assert [message.path for message in heard if isinstance(message, Damaged)] == [damaged.path]
    files.on_checkpoint(saved(file_store, 3, "2"))
    assert steps(file_store) == [1, 2, 3]


def test_old_checkpoints_that_cannot_be_deleted_cost_one_warning_in_the_log(tmp_path: Path, store: Store) -> None:
    file_store = FileStore(tmp_path)
    study = study_with_runs(store, 1)
    held = claim(store, study.id, new_worker(store))
    assert held is not None
    attempt = Attempt(store, held, Study.model_validate(ABLATION), Interrupt(), Timing())
    heard: list[Message] = []

    def send(message: Message) -> None:
        heard.append(message)
        attempt.on_message(message)

    files = RunFiles(job(file_store), send, lambda: False)
    for step in range(1, 6):
        ref = saved(file_store, step, held.attempt_name)
        files.on_checkpoint(ref)
        ref.path.unlink()
        ref.path.mkdir()  # no one can delete a folder as a file
    assert [message.checkpoint.step for message in heard if isinstance(message, Progressed) and message.checkpoint] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert len([message for message in heard if isinstance(message, Warned)]) == 1
    (warning,) = [event for event in events(store, study.id) if event.kind == "warning"]
    assert "cannot be deleted" in warning.message
    assert warning.run_id == held.run_id
