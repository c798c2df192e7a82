from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from sweep.errors import DataError
from sweep.scoring.artifacts import (
    one_at_a_time,
    read_array,
    sha256_of_array,
    sha256_of_file,
    write_array,
    write_whole,
)


def test_hash_is_that_of_the_bytes_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    assert write_whole(path, b"abc") == hashlib.sha256(b"abc").hexdigest() == sha256_of_file(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    with pytest.raises(TypeError):
        write_whole(path, "text")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_an_array_comes_back_bit_for_bit_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "rows.npy"
    rows = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    sha256 = write_array(path, rows)
    assert np.array_equal(read_array(path, sha256), rows)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="not the file that was scored"):
        read_array(path, sha256)
    path.unlink()
    with pytest.raises(DataError, match="No file"):
        read_array(path, sha256)


def test_array_hash_sees_values_shape_and_dtype() -> None:
    a = np.arange(6, dtype=np.int32)
    assert sha256_of_array(a) == sha256_of_array(np.arange(12, dtype=np.int32)[::2] // 2)
    others = [a + 1, a.reshape(2, 3), a.view(np.uint32)]
    assert len({sha256_of_array(x) for x in [a, *others]}) == 4


def test_one_at_a_time_is_one_at_a_time(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with one_at_a_time(tmp_path / "lock"):
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
