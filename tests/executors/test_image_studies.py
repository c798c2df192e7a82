"""A study of a folder of images is known by the images, wherever they lie."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweep.config.data import DataConfig
from sweep.config.keys import sha256_of
from sweep.errors import ImagesUnavailable, StoreMismatch
from sweep.executors.changes import images_change, study_changes, with_images_of
from sweep.executors.register import matching_study, note_images, register
from sweep.files.file_store import FileStore
from sweep.planning.plan import StudyPlan, read_study_plan, study_plan
from sweep.store import Store, add_cells, cells, events, open_store, register_study, study
from sweep.store.records import ArmRecord
from sweep.worker.readiness import Readiness
from tests.helpers.image_folders import change_a_pixel, digits_folder, study_text
from tests.helpers.tiny_store import PROTOCOL


def asked_for(folder: Path, path: Path | str) -> StudyPlan:
    """As a launch knows it: with the images that lie there."""
    file = folder / "study.yaml"
    file.write_text(study_text("s", path))
    return with_images_of(read_study_plan(file))


def test_a_moved_folder_of_equal_images_is_the_same_study(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits_folder(tmp_path / "a", 40)
    monkeypatch.chdir(tmp_path)
    first = asked_for(tmp_path, "a")
    assert first.study.baseline.data.path == str(tmp_path / "a")
    record = register(store, first, PROTOCOL, accept_change=False)
    assert [change.kind for change in study_changes(store, asked_for(tmp_path, "a"))] == ["kept"]
    assert images_change(store, first) == "same"

    (tmp_path / "a").rename(tmp_path / "b")
    monkeypatch.setenv("HOME", str(tmp_path))
    moved = asked_for(tmp_path, "~/b")
    assert [change.kind for change in study_changes(store, moved)] == ["kept"]
    assert images_change(store, moved) == "moved"
    assert matching_study(store, moved, accept_change=False) is not None
    after = register(store, moved, PROTOCOL, accept_change=False)
    assert (after.id, after.revision, after.spec_sha256) == (record.id, 1, record.spec_sha256)
    assert after.spec["baseline"]["data"]["path"] == str(tmp_path / "b")
    (event,) = [event for event in events(store, record.id) if event.kind == "images"]
    assert str(tmp_path / "b") in event.message
    register(store, moved, PROTOCOL, accept_change=False)
    assert len(cells(store, record.id)) == 1
    assert [event.kind for event in events(store, record.id)].count("images") == 1


def test_changed_images_are_called_so(store: Store, tmp_path: Path) -> None:
    digits_folder(tmp_path / "a", 40)
    register(store, asked_for(tmp_path, tmp_path / "a"), PROTOCOL, accept_change=False)
    change_a_pixel(tmp_path / "a")
    changed = asked_for(tmp_path, tmp_path / "a")
    assert images_change(store, changed) == "changed"
    assert [change.kind for change in study_changes(store, changed)] == ["changed"]
    with pytest.raises(StoreMismatch):
        matching_study(store, changed, accept_change=False)
    assert matching_study(store, changed, accept_change=True) is None  # so that extractor and reference are made anew


def test_a_store_of_the_first_version_goes_on(store: Store, tmp_path: Path) -> None:
    """It hashed the path too, as it was typed."""
    digits_folder(tmp_path / "a", 40)
    now = asked_for(tmp_path, tmp_path / "a")
    typed = now.study.with_data(now.study.baseline.data.model_copy(update={"path": "a"}))
    told = typed.model_dump(mode="json", exclude_defaults=True)
    old = sha256_of(told | {"design": {"kind": "one_at_a_time"} | told.get("design", {})})
    record = register_study(
        store,
        "s",
        question="?",
        spec=typed.model_dump(mode="json"),
        spec_sha256=old,
        arms=[ArmRecord("baseline", {}, is_baseline=True)],
        protocol=PROTOCOL,
        versions={},
    )
    add_cells(store, record.id, study_plan(typed).cells)
    assert matching_study(store, now, accept_change=False) is not None
    after = register(store, now, PROTOCOL, accept_change=False)
    assert (after.revision, after.spec_sha256) == (1, old)
    assert [change.kind for change in study_changes(store, now)] == ["kept"]


def test_what_was_left_out_is_noted_once(store: Store, tmp_path: Path) -> None:
    digits_folder(tmp_path / "a", 40)
    record = register(store, asked_for(tmp_path, tmp_path / "a"), PROTOCOL, accept_change=False)
    for _ in range(2):
        note_images(store, record.id, ("40 images", "left out: 2 files"))
    note_images(store, record.id, ())
    assert [e.message for e in events(store, record.id) if e.kind == "images"] == ["40 images; left out: 2 files"]


def test_a_machine_without_the_images_takes_no_work(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="sweep")
    digits_folder(tmp_path / "mine", 10)
    data = DataConfig(name="image_folder", path=str(tmp_path / "gone"), size=8, sha256="a" * 64)
    mine = data.model_copy(update={"path": str(tmp_path / "mine")})
    ready = Readiness(FileStore(tmp_path / "files"), data)
    assert [ready.takes_work(data) for _ in range(3)] == [False] * 3
    assert caplog.messages == [f"this worker is not claiming work: there is no {tmp_path / 'gone'} on this machine"]
    # Where another machine says that they lie counts only where they lie there.
    assert ready.takes_work(mine)
    assert ready.takes_work(data)
    assert ready.images == mine
    impatient = Readiness(FileStore(tmp_path / "files", patience_seconds=-1.0), data)
    with pytest.raises(ImagesUnavailable, match="lacks the images"):
        impatient.takes_work(data)


def sweep(*arguments: object, cwd: Path, code: int = 0) -> str:
    """Run the command with a store and files of the folder above; returns both streams."""
    environment = os.environ | {"SWEEP_STORAGE": f"sqlite:///{cwd.parent}/s.db", "SWEEP_FILES": f"{cwd.parent}/files"}
    command = [sys.executable, "-m", "sweep", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_folder_from_launch_to_comparison(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    digits_folder(here / "images", 600)
    (here / "images" / "notes.txt").touch()
    file = here / "first.yaml"
    file.write_text(study_text("first", "images"))
    on_cpu = ("--device", "cpu", "--workers", 1)
    said = sweep("launch", file, *on_cpu, cwd=here)
    counted = "600 images in 10 classes: 480 for training, 60 for validation, 60 for testing"
    for text in (counted, "left out: 1 file of other kinds (.txt)"):
        assert text in said
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    record = study(store, "first")
    assert any(counted in event.message for event in events(store, record.id) if event.kind == "images")
    assert "1 cell stays as it is, 0 change" in sweep("space", "diff", file, cwd=here)

    # A worker where there are other images releases the run untouched.
    file.write_text(study_text("first", "images").replace("seeds: 1", "seeds: 2"))
    (here / "images").rename(there / "images")
    digits_folder(here / "images", 20)
    refused = sweep("launch", file, *on_cpu, cwd=here, code=2)
    assert "are not those that the study was launched with" in refused
    assert "training the classifier" not in refused
    sweep("extend", "first", "--seeds", 2, cwd=here)
    left = sweep("worker", "--study", "first", "--device", "cpu", "--threads", 1, cwd=there, code=2)
    assert "are not those that the study was launched with" in left
    (run,) = [cell for cell in cells(store, record.id) if cell.replicate == 1]
    assert (run.state, run.step) == ("planned", 0)

    # The moved folder goes on, and a copy elsewhere asks for the same runs.
    file.write_text(study_text("first", there / "images").replace("seeds: 1", "seeds: 2"))
    sweep("launch", file, *on_cpu, cwd=there)
    second = there / "second.yaml"
    second.write_text(study_text("second", tmp_path / "copy"))
    (tmp_path / "copy").symlink_to(there / "images")
    assert "train: run" not in sweep("launch", second, *on_cpu, cwd=there)
    compared = json.loads(sweep("compare", "first", "second", "--json", cwd=there))
    assert compared["baseline_changes"] == {}
    (pooled,) = compared["arms"]  # equal images, so equal keys: one arm of both studies
    assert pooled["study"] == "first and second"
