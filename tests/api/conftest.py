"""A folder in which commands find their database and files."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_STORAGE", f"sqlite:///{tmp_path}/sweep.db")
    monkeypatch.setenv("SWEEP_FILES", str(tmp_path / "files"))
    return tmp_path
