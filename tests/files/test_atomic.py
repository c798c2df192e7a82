"""Files that are written whole or not at all, their hashes, and locks."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from sweep.files.atomic import atomic_file, write_atomically
from sweep.files.hashes import sha256_of_bytes, sha256_of_file
from sweep.files.locks import exclusive_lock
from sweep.files.transfer import download, filesystem
from sweep.scoring.artifacts import write_array
from sweep.training.checkpoint import save


def test_the_hash_is_that_of_the_bytes_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_atomically(path, b"abc")
    assert sha256_of_file(path) == sha256_of_bytes(b"abc") == hashlib.sha256(b"abc").hexdigest()
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError), atomic_file(path) as file:
        file.write("text")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_every_writer_of_durable_files_syncs_the_file_and_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def record(handle: int) -> None:
        synced.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        real(handle)

    monkeypatch.setattr(os, "fsync", record)
    source = tmp_path / "source"
    source.write_bytes(b"abc")
    fs, _ = filesystem(f"file://{tmp_path}")
    write_atomically(tmp_path / "bytes", b"abc")
    write_array(tmp_path / "rows.npy", np.zeros(3))
    save({"step": 1}, tmp_path, step=1, attempt="1")
    download(fs, str(source), tmp_path / "copy", None)
    assert synced == ["file", "folder"] * 4


def test_only_one_thread_at_a_time_holds_a_lock(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with exclusive_lock(tmp_path / "lock"):
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
