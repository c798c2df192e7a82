"""The process beside a worker: how it is started and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweep.worker.child import Child


@pytest.mark.slow
def test_a_trial_process_starts_where_the_working_folder_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    child = Child(device="cpu", threads=1)
    try:
        assert child.start() is not None
    finally:
        child.kill()
