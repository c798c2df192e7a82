"""What `gc` may delete: what this store's own attempts have left, and nothing that another database may need."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import fsspec
import pytest

from sweep.config.keys import train_key
from sweep.errors import UsageError
from sweep.executors.garbage import LAST_WRITE_SECONDS, Survey, survey
from sweep.files.file_names import run_folder
from sweep.files.file_store import FileStore
from sweep.store import Store, claim, finish_training, forget_artifact, open_store, progress, release
from sweep.store.queries.file_owners import store_uuid
from sweep.store.records import ArtifactRecord, Claim
from tests.helpers.object_store import BUCKET, object_store
from tests.helpers.tiny_store import new_worker, study_with_runs


@pytest.fixture(scope="module")
def s3() -> Iterator[None]:
    with object_store() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(params=["folder", "file", "s3", "memory"])
def file_store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    """A folder of files, alone and with each kind of store behind it."""
    if request.param == "s3":
        request.getfixturevalue("s3")
    urls = {
        "file": f"file://{tmp_path}/shared",
        "s3": f"s3://{BUCKET}/{tmp_path.name}",
        "memory": f"memory://{tmp_path.name}",
    }
    return FileStore(tmp_path / "files", urls.get(request.param), patience_seconds=5.0)


def begun(store: Store, ttl: float = 120.0) -> Claim:
    """A training that some worker has just begun."""
    held = claim(store, 1, new_worker(store), kinds=["train"], ttl=ttl)
    assert held is not None
    return held


def written(file_store: FileStore, held: Claim, name: str) -> ArtifactRecord:
    """A file of an attempt, very old by the clock of its filesystem."""
    path = f"{run_folder(train_key(held.train_config))}/{name.format(held.attempt_name)}"
    file = file_store.path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x")
    os.utime(file, (1.0, 1.0))
    file_store.put(path)
    return ArtifactRecord("checkpoint", path, "0" * 64, 1, 1)


def garbage(store: Store, file_store: FileStore) -> set[str]:
    """Paths of what may go, without a grace of an hour."""
    return {stored.path for stored in survey(store, file_store, min_age_seconds=0.0).garbage}


def test_what_an_ended_attempt_left_is_garbage_and_what_is_named_or_live_is_not(
    store: Store, file_store: FileStore
) -> None:
    study_with_runs(store, 2)
    first, second = begun(store), begun(store)
    named = written(file_store, first, "0000000001.{}.pt")
    progress(store, first, step=1, images=8, checkpoint=named)
    lost = [
        written(file_store, first, name)
        for name in ("0000000002.{}.pt", ".weights.{}.pt.x1y2.tmp", "scores/ab.{}/x.npy")
    ]
    live = written(file_store, second, "0000000001.{}.pt")
    assert garbage(store, file_store) == set()
    release(store, first, "preempted")
    assert garbage(store, file_store) == {artifact.path for artifact in lost}
    assert list(survey(store, file_store).garbage) == [], "for an hour by the database's clock, whatever the files' age"

    again = begun(store)
    assert (again.run_id, garbage(store, file_store)) == (first.run_id, set()), "somebody works on the run"
    forget_artifact(store, again, named.path, "damaged")
    release(store, again, "preempted")
    assert garbage(store, file_store) == {artifact.path for artifact in (named, *lost)}
    for stored in survey(store, file_store, min_age_seconds=0.0).garbage:
        assert file_store.delete(stored) == ""
    assert {stored.path for stored in file_store.listed("runs")} == {live.path}


def two_stores(tmp_path: Path) -> tuple[Store, Store]:
    """Two databases with the same study, as when one was deleted and the study launched again."""
    stores = [open_store(f"sqlite:///{tmp_path}/{name}.db") for name in ("one", "two")]
    for store in stores:
        study_with_runs(store, 1)
    return stores[0], stores[1]


def digits_of(store: Store) -> str:
    return store_uuid(store)[:8]


def all_ended(found: Survey, store: Store) -> tuple[int, dict[str, int]]:
    """Files that may go, and those left alone by store."""
    assert found.store == digits_of(store)
    return len(found.garbage), {name: len(files) for name, files in found.foreign.items()}


def test_files_of_another_database_are_counted_and_left_alone(tmp_path: Path, file_store: FileStore) -> None:
    one, two = two_stores(tmp_path)
    held = begun(one)
    weights = written(file_store, held, "weights.{}.pt")
    lost = written(file_store, held, "0000000001.{}.pt")
    finish_training(one, held, weights=weights, parameters=1, seconds=1.0)
    copies = 1 if file_store.url is None else 2
    assert all_ended(survey(two, file_store, min_age_seconds=0.0), two) == (0, {digits_of(one): 2 * copies})
    assert garbage(one, file_store) == {lost.path}
    assert written(file_store, begun(two), "weights.{}.pt").path != weights.path, "the same run at the same token"


def test_a_copy_or_an_old_backup_of_a_database_deletes_nothing_of_what_came_later(tmp_path: Path) -> None:
    one, _ = two_stores(tmp_path)
    file_store = FileStore(tmp_path / "files")
    before = begun(one, ttl=-1.0)  # as long ago as it takes until somebody takes it over
    one.close()
    shutil.copy(tmp_path / "one.db", tmp_path / "backup.db")
    early = written(file_store, before, "0000000001.{}.pt")
    since = written(file_store, before, "0000000002.{}.pt")
    later_on = time.time() + LAST_WRITE_SECONDS + 60.0
    os.utime(file_store.path(since.path), (later_on, later_on))
    release(one, before, "preempted")
    later = begun(one)
    weights = written(file_store, later, "weights.{}.pt")
    finish_training(one, later, weights=weights, parameters=1, seconds=1.0)

    backup = open_store(f"sqlite:///{tmp_path}/backup.db")
    assert digits_of(backup) == digits_of(one)
    assert all_ended(survey(backup, file_store, min_age_seconds=0.0), one) == (0, {digits_of(one): 1})
    repeated = begun(backup)  # takes over what went on elsewhere
    assert repeated.token == later.token
    assert written(file_store, repeated, "weights.{}.pt").path != weights.path
    release(backup, repeated, "preempted")
    found = survey(backup, file_store, min_age_seconds=0.0)
    assert early.path in {stored.path for stored in found.garbage}
    assert {weights.path, since.path} == {stored.path for stored in found.foreign[digits_of(one)]}
    backup.close()


def test_files_of_the_first_version_and_hostile_names_are_never_garbage(tmp_path: Path) -> None:
    store, _ = two_stores(tmp_path)
    file_store = FileStore(tmp_path / "files", f"memory://{tmp_path.name}")
    held = begun(store)
    legacy = "runs/ab/abcd/weights.1.pt", "runs/ab/abcd/0000000010.1.pt", "runs/ab/abcd/scores/ab.1/set0-grid.png"
    hostile = (f"runs/../../{held.attempt_name}.pt", f"runs//{held.attempt_name}.pt")
    for path in (*legacy, *hostile):
        with fsspec.open(f"{file_store.url}/{path}", "wb") as file:
            file.write(b"x")
    release(store, held, "preempted")
    count, foreign = all_ended(survey(store, file_store, min_age_seconds=0.0), store)
    assert (count, foreign[""]) == (0, len(legacy))
    assert sum(foreign.values()) == len(legacy) + len(hostile)


def test_a_store_without_studies_is_refused(store: Store, tmp_path: Path) -> None:
    UUID(store_uuid(store))
    with pytest.raises(UsageError, match="no study"):
        survey(store, FileStore(tmp_path))
