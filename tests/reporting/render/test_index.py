"""The page of all reports: it outlasts whatever lies beside them, and takes no page that is not its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweep.reporting.render.index import SUMMARY, Summary, folder_name, read_summary, write_index

WELL = Summary(
    study="digits", question="?", verdict="better", sentence="It does.", basis="", done=3, planned=3, data_as_of=""
)
STRANGE = {
    "nothing": b"",
    "torn": b'{"study": "x"',
    "list": b"[]",
    "number": b"5",
    "null": b"null",
    "of another program": b'{"study": 1, "score": [1, 2]}',
    "no utf-8": b"\xff\xfe{}",
    "nul": b"\x00",
    "deep": b"[" * 100_000,
    "counts as text": json.dumps(WELL.as_dict() | {"done": "3"}).encode(),
    "another verdict": json.dumps(WELL.as_dict() | {"verdict": "<script>"}).encode(),
    "without a question": json.dumps({k: v for k, v in WELL.as_dict().items() if k != "question"}).encode(),
}


def report(folder: Path, summary: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / "report.html").touch()
    (folder / SUMMARY).write_bytes(summary)


def test_files_that_are_no_summaries_of_ours_are_passed_over(tmp_path: Path) -> None:
    for name, content in STRANGE.items():
        report(tmp_path / name, content)
        assert read_summary(tmp_path / name / SUMMARY) is None, name
    (tmp_path / "a folder" / SUMMARY).mkdir(parents=True)
    (tmp_path / "leads nowhere").mkdir()
    (tmp_path / "leads nowhere" / SUMMARY).symlink_to("nowhere")
    report(tmp_path / "well", json.dumps(WELL.as_dict() | {"new in a later version": 1}).encode())
    index = write_index(tmp_path)
    assert index is not None
    assert index.read_text(encoding="utf-8").count("<h2>") == 1


def test_a_page_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "index.html"
    mine.write_text("<title>My group</title>")
    assert write_index(tmp_path) is None
    assert mine.read_text() == "<title>My group</title>"
    mine.write_text("<html><title>Reports</title></html>")  # of version 0.1.0
    assert write_index(tmp_path) == mine
    assert write_index(tmp_path) == mine
    mine.unlink()
    mine.mkdir()
    assert write_index(tmp_path) is None


@pytest.mark.parametrize("name", ["index.html", "con", "nul", "aux.v2", "com1", "lpt9.x", "dots."])
def test_a_study_named_as_the_index_or_a_device_gets_another_folder(name: str) -> None:
    assert folder_name(name) == f"{name}-report"


@pytest.mark.parametrize("name", ["digits", "summary", "last", "index", "summary.json", "console", "a.index.html"])
def test_other_studies_get_folders_of_their_names(name: str) -> None:
    assert folder_name(name) == name
