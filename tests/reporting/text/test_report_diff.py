"""What a report tells of the one before it: nothing at first, changes once, and the same bytes when built again."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from sweep.cli.app import app
from sweep.reporting.sections import record, since_last
from sweep.reporting.text.report_diff import LAST, changes_in_sentences, read_last, report_changes
from sweep.store import add_event, study
from tests.helpers.report_specs import ArmSpec, StoreSpec
from tests.helpers.report_stores import fill
from tests.reporting.conftest import make_store

ARMS = [
    ArmSpec("baseline", {}),
    ArmSpec("schedule=cosine", {"schedule": "cosine"}, effect=-1.2),
    ArmSpec("lr=0.1", {"lr": 0.1}, effect=0.1),
]


SPEC = StoreSpec(ARMS, seeds=8, curves=False, grids=False)
PIECES = 2 * len(ARMS)
"""Trainings and scores of one replicate."""


def test_a_report_tells_new_runs_and_flipped_verdicts_once_and_keeps_telling_them(tmp_path):
    store = make_store(tmp_path, SPEC, pieces=2 * PIECES)
    folder = tmp_path / "report"
    folder.mkdir()
    assert since_last(store.study(), folder) == []
    record(store.study(), folder)
    assert since_last(store.study(), folder) == []  # nothing else was ever shown
    fill(store.opened, SPEC, tmp_path)
    (block,) = since_last(store.study(), folder)
    assert "The verdict on schedule=cosine was undecided and is better." in block.html
    assert "New runs with a score: 6 of baseline, 6 of schedule=cosine, 6 of lr=0.1." in block.html
    record(store.study(), folder)
    first = (folder / LAST).read_bytes()
    assert since_last(store.study(), folder) == [block]  # built again, the page is the same
    record(store.study(), folder)
    assert (folder / LAST).read_bytes() == first
    store.engine.dispose()


def test_exclusions_failures_and_revisions_are_told():
    def state(**changes):
        arm = {"verdict": "better", "n": 5, "mean": 1.0, "difference": -0.5, "low": -0.6, "high": -0.4}
        told = {"revision": 1, "data_as_of": "", "cells": {"done": 10}, "arms": {"baseline": arm, "old": arm}}
        return told | changes

    now = state(
        revision=2,
        cells={"done": 8, "failed": 2},
        arms={"baseline": state()["arms"]["baseline"] | {"n": 4}, "new": state()["arms"]["old"]},
    )
    told = changes_in_sentences(report_changes(state(), now))
    assert told == [
        "New runs with a score: 5 of new.",
        "Runs that no longer count: 1 of baseline.",
        "2 more cells failed.",
        "New arms: new.",
        "Arms no longer in the study: old.",
        "The study went from revision 1 to 2.",
        "No verdict changed.",
    ]
    (sentence, _) = changes_in_sentences(report_changes(state(), state(rule="dunnett")))
    assert "another rule of comparison" in sentence


def test_a_torn_record_is_no_record(tmp_path):
    now = '{"revision": 1, "data_as_of": "", "cells": {}, "arms": %s}'
    arms = ("[]", '{"a": 5}', '{"a": {"verdict": "better"}}', '{"a": {"n": "many"}}')
    torn = [
        "",
        "{",
        "[]",
        '{"now": 1}',
        '{"now": 5, "before": []}',
        "[" * 100_000,
        "\x00",
        '{"now": {}, "before": null}',
    ]
    for text in (*torn, *(f'{{"now": {now % each}, "before": null}}' for each in arms)):
        (tmp_path / LAST).write_text(text)
        assert read_last(tmp_path) == {"now": None, "before": None}
    (tmp_path / LAST).write_bytes(b"\xff\xfe")
    assert read_last(tmp_path) == {"now": None, "before": None}


@pytest.mark.slow
def test_the_command_tells_it_on_the_terminal_and_as_json(tmp_path):
    store = make_store(tmp_path, SPEC, pieces=4 * PIECES)
    tuned = {"arm": "lr=0.1", "boundary": {"lr": "high"}}
    add_event(store.opened, "tuned", "lr=0.1 was tuned", study_id=study(store.opened, "digits").id, detail=tuned)
    words = ["report", "digits", "--storage", store.url, "--files", str(tmp_path), "-o", str(tmp_path / "out" / "r")]
    first = CliRunner().invoke(app, words)
    assert first.exit_code == 0, first.output
    assert "since" not in first.stderr
    fill(store.opened, SPEC, tmp_path)
    told = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert told["since"]["new_runs"] == dict.fromkeys(("baseline", "schedule=cosine", "lr=0.1"), 4)
    assert told["summary"]["verdict"] == "better"
    page = (tmp_path / "out" / "r" / "report.html").read_text()
    assert "Since the last report" in page
    assert "lr is at the high end of its range" in page
    assert "A tuned value lies at the end of its range in lr=0.1 (lr at the high end)" in page
    again = CliRunner().invoke(app, words)
    assert "nothing changed since the last report" in again.stderr
    assert (tmp_path / "out" / "r" / "report.html").read_text() == page
    store.engine.dispose()
