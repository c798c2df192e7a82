"""The page of all reports: it outlasts whatever lies beside them, and takes no page that is not its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sweep.cli.app import app
from sweep.errors import UsageError
from sweep.reporting.render.index import SUMMARY, Summary, folder_name, read_summary, write_index
from tests.helpers.report_specs import ArmSpec, StoreSpec
from tests.helpers.report_stores import fill
from tests.reporting.conftest import make_store

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


def test_each_question_has_its_verdict_its_effect_with_interval_and_its_date(tmp_path: Path) -> None:
    full = replace(
        WELL,
        question="Does cosine help?",
        data_as_of="2026-11-30T14:48:00+00:00",
        arm="schedule = cosine",
        score="FCD",
        difference=-0.459,
        low=-0.746,
        high=-0.143,
        baseline_mean=3.723,
        seeds=3,
    )
    report(tmp_path / "digits", json.dumps(full.as_dict()).encode())
    older = {key: WELL.as_dict()[key] for key in list(WELL.as_dict())[:8]}  # as 0.1.0 wrote it
    report(tmp_path / "old", json.dumps(older).encode())
    index = write_index(tmp_path)
    assert index is not None
    table = index.read_text(encoding="utf-8").partition("</table>")[0].replace("\N{MINUS SIGN}", "-")
    row, old = table.split("<tr><th")[2:]
    assert "Does cosine help?" in row
    assert 'class="badge better">better<' in row
    assert "-12 % (-20 % to -3.8 %)" in row
    assert "schedule = cosine: -0.46 (-0.75 to -0.14) FCD, 3 paired seeds" in row
    assert "2026-11-30" in row
    assert "3 of 3" in old
    assert "%" not in old.partition("</tr>")[0]


def test_a_difference_without_an_interval_or_a_baseline_is_shown_as_it_is() -> None:
    single = replace(WELL, score="FID", difference=-1.0, baseline_mean=10.0)
    assert single.effect.replace("\N{MINUS SIGN}", "-") == "-10 % (no interval)"
    assert replace(single, baseline_mean=0.0).effect == ""
    assert replace(single, baseline_mean=0.0).effect_in_units.replace("\N{MINUS SIGN}", "-") == "-1.00 FID"


@pytest.mark.parametrize("words", [["report"], ["report", "digits", "--all"], ["report", "--all", "--as-of", "1"]])
def test_one_study_or_all_of_them_are_reported(words: list[str]) -> None:
    refused = CliRunner().invoke(app, words)
    assert isinstance(refused.exception, UsageError)
    assert "either the name of a study or --all" in str(refused.exception)


@pytest.mark.slow
def test_all_studies_of_a_database_are_reported_and_listed(tmp_path: Path) -> None:
    arms = [ArmSpec("baseline", {}), ArmSpec("schedule=cosine", {"schedule": "cosine"}, effect=-2.0)]
    first = StoreSpec(arms, name="first", seeds=3, curves=False, grids=False)
    store = make_store(tmp_path, first)
    others = [ArmSpec("baseline", {}), ArmSpec("lr=0.01", {"lr": 0.01}, effect=2.0)]
    fill(store.opened, replace(first, name="second", arms=others, question="Does a larger lr help?"), tmp_path)
    words = ["report", "--all", "--storage", store.url, "--files", str(tmp_path), "-o", str(tmp_path / "reports")]
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [(each["study"], each["verdict"]) for each in told["reports"]] == [("first", "better"), ("second", "worse")]
    page = Path(told["index"]).read_text(encoding="utf-8")
    assert page.count("<tr><th") == 3  # the head and two questions
    assert "first (3 runs)" in (tmp_path / "reports" / "second" / "report.html").read_text(encoding="utf-8")
    store.engine.dispose()


@pytest.mark.parametrize("name", ["index.html", "con", "nul", "aux.v2", "com1", "lpt9.x", "dots."])
def test_a_study_named_as_the_index_or_a_device_gets_another_folder(name: str) -> None:
    assert folder_name(name) == f"{name}-report"


@pytest.mark.parametrize("name", ["digits", "summary", "last", "index", "summary.json", "console", "a.index.html"])
def test_other_studies_get_folders_of_their_names(name: str) -> None:
    assert folder_name(name) == name
