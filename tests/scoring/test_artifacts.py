from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sweep.errors import DataError
from sweep.files.array_hashes import sha256_of_array
from sweep.scoring.artifacts import (
    read_array,
    write_array,
)


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
