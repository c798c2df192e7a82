"""Files behind a URL: whole or absent, and nothing that has other bytes than were recorded."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from sweep.errors import CheckpointError, FileStoreError, UnreadableCheckpoint, UnsafePath, UsageError
from sweep.files.file_store import FileStore, file_store_at
from sweep.files.transfer import StoredFile, filesystem
from tests.helpers.object_store import BUCKET, KEY, SECRET, object_store

PATH = "runs/ab/abcd/0000000010.1.pt"
CONTENT = b"weights" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def s3() -> Iterator[None]:
    """A bucket, and the environment that leads to it."""
    with object_store() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(params=["file", "s3", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place that two machines share."""
    if request.param == "s3":
        request.getfixturevalue("s3")
        return f"s3://{BUCKET}/{tmp_path.name}"
    return f"file://{tmp_path}/shared" if request.param == "file" else f"memory://{tmp_path.name}"


@pytest.fixture
def here(url: str, tmp_path: Path) -> FileStore:
    """A machine with one file."""
    file_store = FileStore(tmp_path / "here", url, patience_seconds=5.0)
    write(file_store, PATH)
    return file_store


@pytest.fixture
def there(url: str, tmp_path: Path) -> FileStore:
    """A machine that has nothing yet."""
    return FileStore(tmp_path / "there", url, patience_seconds=5.0)


def write(file_store: FileStore, path: str, content: bytes = CONTENT) -> None:
    (file_store.folder / path).parent.mkdir(parents=True, exist_ok=True)
    (file_store.folder / path).write_bytes(content)


def alter(url: str, path: str, content: bytes) -> None:
    with fsspec.open(f"{url}/{path}", "wb") as file:
        file.write(content)


def left(file_store: FileStore) -> list[str]:
    return [path.name for path in file_store.folder.rglob("*") if path.is_file()]


def test_a_file_that_one_machine_puts_another_fetches(here: FileStore, there: FileStore) -> None:
    here.put(PATH)
    assert there.fetch(PATH, SHA256).read_bytes() == CONTENT
    assert there.fetch(PATH, SHA256).stat().st_mode & 0o077 == 0
    assert [stored.path for stored in there.listed("runs")] == [PATH, PATH]


def test_a_damaged_copy_is_fetched_again(here: FileStore, there: FileStore) -> None:
    here.put(PATH)
    write(there, PATH, CONTENT[:-1] + b"X")
    assert there.fetch(PATH, SHA256).read_bytes() == CONTENT


def test_bytes_that_were_not_recorded_are_refused_and_leave_nothing(
    here: FileStore, there: FileStore, url: str
) -> None:
    here.put(PATH)
    alter(url, PATH, CONTENT[:-1] + b"X")
    with pytest.raises(CheckpointError, match="damaged"):
        there.fetch(PATH, SHA256)
    assert left(there) == []


def test_a_file_that_was_never_stored_is_a_missing_checkpoint_at_once(there: FileStore) -> None:
    started = time.monotonic()
    with pytest.raises(CheckpointError, match="not in the store of files"):
        there.fetch(PATH, SHA256)
    assert time.monotonic() - started < 3.0


def test_pull_brings_what_is_wanted_and_push_sends_what_is_new(here: FileStore, there: FileStore) -> None:
    for name in ("digits-cnn-1.pt", "digits-cnn-1.lock", ".digits.tmp", "other-cnn-2.pt"):
        write(here, f"extractors/{name}", name.encode())
    here.push("extractors")
    there.pull("extractors", lambda name: name.startswith("digits"))
    assert left(there) == ["digits-cnn-1.pt"]
    assert {stored.path for stored in there.listed("extractors")} == {
        "extractors/digits-cnn-1.pt",
        "extractors/other-cnn-2.pt",
    }


def test_what_is_listed_has_an_age_and_can_be_deleted(here: FileStore, there: FileStore) -> None:
    here.put(PATH)
    (stored,) = there.listed("runs")
    assert stored.bytes == len(CONTENT)
    assert abs(time.time() - stored.modified) < 60.0
    there.delete(stored)
    there.delete(stored)
    assert list(there.listed("runs")) == []
    assert left(here) == [Path(PATH).name]


def test_doctor_writes_and_leaves_nothing(here: FileStore) -> None:
    assert here.check() == ""
    assert left(here) == [Path(PATH).name]
    assert [stored.path for stored in here.listed("")] == [PATH]


def test_an_upload_that_breaks_leaves_nothing_at_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file_store = FileStore(tmp_path / "here", f"file://{tmp_path}/shared", patience_seconds=0.3)
    write(file_store, PATH)
    fs = fsspec.filesystem("file")

    def torn(_: object, source: str, target: str, **options: object) -> None:
        Path(target).write_bytes(Path(source).read_bytes()[:10])
        raise ConnectionResetError("the cable was pulled")

    monkeypatch.setattr(type(fs), "put_file", torn)
    with pytest.raises(FileStoreError, match="cannot store"):
        file_store.put(PATH)
    assert [path for path in (tmp_path / "shared").rglob("*") if path.is_file()] == []


def test_a_store_that_comes_back_costs_time_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file_store = FileStore(tmp_path / "here", f"file://{tmp_path}/shared", patience_seconds=30.0)
    write(file_store, PATH)
    whole, tries = type(fsspec.filesystem("file")).put_file, []

    def flaky(fs: object, source: str, target: str, **options: object) -> None:
        tries.append(target)
        if len(tries) < 3:
            raise ConnectionResetError("not yet")
        whole(fs, source, target, **options)

    monkeypatch.setattr(type(fsspec.filesystem("file")), "put_file", flaky)
    file_store.put(PATH)
    assert len(tries) == 3
    assert (tmp_path / "shared" / PATH).read_bytes() == CONTENT


def test_whoever_is_asked_to_leave_does_not_wait_for_a_store_that_is_away(tmp_path: Path, s3: None) -> None:
    file_store = FileStore(tmp_path, "s3://no-such-bucket/x", patience_seconds=600.0)
    write(file_store, PATH)
    started = time.monotonic()
    with pytest.raises(FileStoreError):
        file_store.put(PATH, give_up=lambda: True)
    assert time.monotonic() - started < 20.0


OUTSIDE = (
    "../outside",
    "runs/../../outside",
    "runs/..",
    "/etc/passwd",
    "//host/share",
    "runs//x.pt",
    "./x.pt",
    "",
    "runs/",
    "..\\outside",
    "runs\\..\\x",
    "C:/x.pt",
    "c:x.pt",
    "runs/x\0.pt",
    "runs/x\n.pt",
    "runs/\x1b[2J.pt",
    "runs/\udcff.pt",
    "runs/" + "x" * 256,
)


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_name_from_the_database_leads_out_of_the_folder(tmp_path: Path, path: str) -> None:
    for file_store in (FileStore(tmp_path / "here"), FileStore(tmp_path / "here", f"file://{tmp_path}/shared")):
        planted = (
            StoredFile(path, str(file_store.folder / path), 1, 0.0),
            StoredFile(path, f"file://{tmp_path}/x", 1, 0.0),
        )
        with pytest.raises(UnsafePath, match="is refused"):
            file_store.fetch(path, SHA256)
        for stored in planted:
            with pytest.raises(UnsafePath, match="is refused"):
                file_store.delete(stored)
        with pytest.raises(UnsafePath, match="is refused"):
            file_store.discard(path)
    with pytest.raises(UnsafePath, match="is refused"):
        file_store.put(path)


def test_no_key_of_a_listing_is_written_outside_the_folder(there: FileStore, url: str, tmp_path: Path) -> None:
    fs, root = filesystem(url)
    keys = ("extractors/../../../../site/digits.pth", "extractors/../../digits.pth", "extractors//digits.pth")
    if "file" in fs.protocol:  # names that a folder can hold
        keys = ("extractors/a\\..\\digits.pth", "extractors/digits\n.pth")
        fs.makedirs(f"{root}/extractors")
    for key in (*keys, "extractors/digits-cnn-1.pt"):
        fs.pipe_file(f"{root}/{key}", CONTENT)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    there.pull("extractors", lambda name: name.startswith("digits"))
    assert {path for path in tmp_path.rglob("*") if path.is_file()} - before == {
        there.folder / "extractors/digits-cnn-1.pt"
    }


def test_no_link_in_a_shared_folder_is_read_written_or_deleted_through(tmp_path: Path) -> None:
    outside, shared = tmp_path / "outside", tmp_path / "shared"
    for folder in (outside, shared / "runs", shared / "extractors"):
        folder.mkdir(parents=True)
    (outside / "secret.pt").write_bytes(CONTENT)
    (shared / "runs/ab").symlink_to(outside)
    (shared / "extractors/secret.pt").symlink_to(outside / "secret.pt")
    plain, behind = FileStore(shared), FileStore(tmp_path / "cache", f"file://{shared}")
    write(behind, "runs/ab/new.pt")
    for file_store in (plain, behind):
        with pytest.raises(UnsafePath, match="link"):
            file_store.fetch("runs/ab/secret.pt", SHA256)
        assert {stored.path for stored in file_store.listed("")} <= {"runs/ab/new.pt"}
    with pytest.raises(UnsafePath, match="link"):
        plain.delete(StoredFile("runs/ab/secret.pt", str(shared / "runs/ab/secret.pt"), 1, 0.0))
    with pytest.raises(UnsafePath, match="link"):
        behind.discard("runs/ab/secret.pt")
    with pytest.raises(UnsafePath, match="link"):
        behind.put("runs/ab/new.pt")
    behind.pull("extractors", lambda _: True)
    FileStore(shared, f"file://{tmp_path}/other").push("extractors")
    assert [path.name for path in outside.iterdir()] == ["secret.pt"]
    assert left(behind) == ["new.pt"]
    assert not (tmp_path / "other").exists()


def test_a_link_that_stays_inside_and_a_folder_that_is_a_link_are_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "files").symlink_to(tmp_path / "disk")
    file_store = FileStore(tmp_path / "files")
    write(file_store, "runs/one.pt")
    (file_store.folder / "runs/two.pt").symlink_to("one.pt")
    assert file_store.fetch("runs/two.pt", SHA256).read_bytes() == CONTENT


def test_what_is_no_regular_file_is_not_opened(here: FileStore) -> None:
    os.mkfifo(here.folder / "runs/pipe.pt")  # to open it would wait for ever
    (here.folder / "runs/folder.pt").mkdir()
    for file_store in (here, FileStore(here.folder)):
        for name in ("runs/pipe.pt", "runs/folder.pt"):
            with pytest.raises(UnreadableCheckpoint, match="is no file"):
                file_store.fetch(name, SHA256)


@pytest.mark.parametrize(
    "url", ["s3://KEY:SECRET@bucket/x", "s3://KEY@bucket/x", "s3://bucket/x?secret=SECRET", "ftp://me:SECRET@host/x"]
)
def test_credentials_have_no_place_in_the_url_of_the_files(url: str) -> None:
    with pytest.raises(UsageError, match="credentials") as refused:
        file_store_at(url)
    assert "SECRET" not in str(refused.value).replace("AWS_SECRET_ACCESS_KEY", "")


def test_no_message_and_no_name_holds_the_keys_of_the_store(tmp_path: Path, s3: None) -> None:
    file_store = FileStore(tmp_path, "s3://no-such-bucket/x", patience_seconds=0.1)
    write(file_store, PATH)
    with pytest.raises(FileStoreError) as refused:
        file_store.put(PATH)
    shown = f"{refused.value} {file_store} {file_store!r}"
    assert KEY not in shown
    assert SECRET not in shown


def test_a_plain_folder_is_used_as_it_is(tmp_path: Path) -> None:
    file_store = file_store_at(os.path.relpath(tmp_path))
    write(file_store, PATH)
    file_store.put(PATH)
    assert (file_store.folder, file_store.url) == (tmp_path, None)
    assert file_store.fetch(PATH, "not looked at") == tmp_path / PATH
    assert [stored.where for stored in file_store.listed("runs")] == [str(tmp_path / PATH)]


def test_each_url_has_a_folder_of_its_own_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one, two = file_store_at("memory://a/"), file_store_at("memory://b")
    assert one == file_store_at(str(one))
    assert one.folder != two.folder
    assert one.folder.is_relative_to(tmp_path)


def test_an_unknown_kind_of_store_is_refused_with_the_way_out() -> None:
    with pytest.raises(UsageError, match="no files can be kept"):
        file_store_at("nosuch://place")
