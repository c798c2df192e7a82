"""Every study that is shipped with a plugin is launched, and says what its parts did."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import sweep
from tests.helpers.parquet import write_digits

FOLDER = Path(__file__).parents[2] / "studies/plugins"
STUDIES = sorted(path.stem for path in FOLDER.glob("*.yaml"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped studies with their plugins, and one store for all of them."""
    folder = tmp_path_factory.mktemp("plugins")
    for path in FOLDER.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    write_digits(folder / "images.parquet")
    return folder


@pytest.mark.parametrize("name", [name for name in STUDIES if name != "own-net"])  # that one is in tests/faults
def test_a_study_with_a_part_of_its_own_is_launched_to_its_end(folder, monkeypatch, name):
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "user"))
    storage = f"sqlite:///{folder}/sweep.db"
    study = sweep.load_study(folder / f"{name}.yaml")
    short = study.model_copy(update={"seeds": 1, "baseline": study.baseline.model_copy(update={"images": 320})})
    result = sweep.launch(short, device="cpu", workers=1, trust=True, storage=storage, files=folder / "files")
    assert result.outcome == "complete"
    frames = sweep.frames(name, storage=storage)
    scores = frames.scores[frames.scores["metric"] == "fid"]
    assert scores["value"].notna().all()
    assert scores["arm"].nunique() > 1
    assert scores.groupby("arm")["value"].mean().nunique() == scores["arm"].nunique(), "every part changes the score"
