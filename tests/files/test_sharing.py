"""Two users share the files of a folder that is their group's, and are refused elsewhere with what to type."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sweep.errors import CheckpointError, FileStoreError, SweepError
from sweep.files import sharing
from sweep.files.atomic import write_atomically
from sweep.files.file_store import FileStore
from sweep.files.locks import exclusive_lock
from sweep.training import checkpoint
from tests.helpers.unix_users import IS_ROOT, NOBODY, as_another_user, closed_to_others


@pytest.fixture
def reached() -> Iterator[Path]:
    """A folder that every user of this machine reaches."""
    with TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def shared(reached: Path) -> Path:
    """A folder of files that is its group's."""
    folder = reached / "files"
    folder.mkdir()
    os.chown(folder, -1, NOBODY + 1 if IS_ROOT else -1)
    folder.chmod(0o2770)
    return folder


def modes(folder: Path) -> dict[str, int]:
    return {path.relative_to(folder).as_posix(): path.stat().st_mode & 0o7777 for path in folder.rglob("*")}


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_what_is_written_into_a_shared_folder_is_its_groups_whatever_the_umask(shared: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_atomically(shared / "runs/ab/one.pt", b"x")
        with exclusive_lock(shared / "extractors/one.lock"):
            pass
        behind = FileStore(shared.parent / "cache", f"file://{shared}")
        write_atomically(behind.path("runs/ab/cd/two.pt"), b"x")
        behind.put("runs/ab/cd/two.pt")
    finally:
        os.umask(before)
    found = modes(shared)
    assert {found[name] for name in ("runs", "runs/ab", "runs/ab/cd", "extractors")} == {0o2770}
    assert {found[name] for name in ("runs/ab/one.pt", "runs/ab/cd/two.pt", "extractors/one.lock")} == {0o660}
    assert {path.stat().st_gid for path in shared.rglob("*")} == {shared.stat().st_gid}


def test_everywhere_else_files_are_their_users_alone(tmp_path: Path) -> None:
    (tmp_path / "writable").mkdir()
    (tmp_path / "writable").chmod(0o770)  # not setgid: new files would be of any group
    for folder in (tmp_path / "plain", tmp_path / "writable"):
        write_atomically(folder / "one.pt", b"x")
        assert (folder / "one.pt").stat().st_mode & 0o777 == 0o600


def test_a_second_user_reads_replaces_and_deletes_what_the_first_wrote(shared: Path) -> None:
    group = shared.stat().st_gid
    write_atomically(shared / "runs/ab/first.pt", b"first")

    def second() -> str:
        file_store = FileStore(shared)
        file_store.require_access()
        text = file_store.fetch("runs/ab/first.pt", "").read_bytes().decode()
        write_atomically(file_store.path("runs/ab/second.pt"), b"second")
        with exclusive_lock(shared / "extractors/one.lock"):
            return text + file_store.remove("runs/ab/first.pt")

    with exclusive_lock(shared / "extractors/one.lock"):
        pass
    assert as_another_user(second, groups=[group]) == "first"
    FileStore(shared).require_access()
    assert list(modes(shared / "runs/ab")) == ["second.pt"]
    assert (shared / "runs/ab/second.pt").stat().st_mode & 0o777 == 0o660


def refused(file_store: FileStore) -> Callable[[], str]:
    def work() -> str:
        if not IS_ROOT:
            sharing.os = _OfAnother()
        with pytest.raises(FileStoreError, match="cannot be used by this user") as error:
            file_store.require_access()
        return f"{error.value.why}\n{error.value.next}"

    return work


class _OfAnother:
    """The module `os` of a user who owns nothing and may do what this one may."""

    def __getattr__(self, name: str) -> object:
        return (lambda: NOBODY) if name == "geteuid" else getattr(os, name)


@pytest.mark.parametrize("closed", ["", "runs", "runs/ab", "runs/ab/one.pt", "extractors/one.pt"])
def test_a_second_user_who_may_not_is_refused_with_what_the_first_types(reached: Path, closed: str) -> None:
    files = reached / "files"
    for name in ("runs/ab/one.pt", "extractors/one.pt"):
        write_atomically(files / name, b"x")
    for path in (files, *files.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    path = files / closed
    path.chmod((0o755 if IS_ROOT else 0o555) if path.is_dir() else (0o600 if IS_ROOT else 0o000))
    for file_store in (FileStore(files), FileStore(reached / "cache", f"file://{files}")):
        told = as_another_user(refused(file_store))
        assert f"{path} belongs to" in told
        assert f"chmod -R g+rwX {files}" in told


def test_a_folder_of_slurm_jobs_of_another_user_is_no_objection(reached: Path) -> None:
    files = reached / "files"
    write_atomically(files / "runs/ab/one.pt", b"x")
    (files / "slurm").mkdir(mode=0o700)
    for path in (files, files / "runs", files / "runs/ab"):
        path.chmod(0o777)
    (files / "runs/ab/one.pt").chmod(0o666)
    assert as_another_user(lambda: str(FileStore(files).require_access())) == "None"


def test_a_checkpoint_that_this_user_may_not_read_is_not_given_up_as_damaged(reached: Path) -> None:
    ref = checkpoint.save({"step": 1}, reached, step=1, attempt="1")
    closed_to_others(ref.path)

    def work() -> str:
        with pytest.raises(SweepError, match="may not read") as error:
            checkpoint.read(ref)
        return str(isinstance(error.value, CheckpointError))

    assert as_another_user(work) == "False"


def test_a_lock_is_not_made_through_a_link(shared: Path) -> None:
    (shared / "one.lock").symlink_to(shared.parent / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), exclusive_lock(shared / "one.lock"):
        pass
    assert not (shared.parent / "elsewhere").exists()
