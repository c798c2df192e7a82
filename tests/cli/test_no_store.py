"""A command that needs a store says where none is, with exit code 5, and makes no file and no folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sweep.cli.app import app
from sweep.errors import StoreMissing

STUDY = "name: tiny\nquestion: Does it run?\nbaseline: {data: digits, net: unet_8}\n"
SCORE_REQUEST = [
    "status",
    "status tiny",
    "trials ls tiny",
    "trials show tiny 1",
    "trials repro tiny 1",
    "export tiny",
    "compare tiny other",
    "space diff tiny.yaml",
    "gc",
    "gc --delete",
    "dashboard",
    "report tiny",
]
CHANGING = [
    "pause tiny",
    "resume tiny",
    "stop tiny",
    "cancel tiny",
    "extend tiny --seeds +1",
    "worker --study tiny",
    "trials exclude tiny 1 --reason x",
    "trials rerun tiny --failed oom",
]


@pytest.fixture(params=["sweep-data", "run%20one", "a?b#c", "with blank", "süd"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / request.param
    made.mkdir()
    (made / "tiny.yaml").write_text(STUDY)
    monkeypatch.chdir(made)
    monkeypatch.delenv("SWEEP_STORAGE", raising=False)
    monkeypatch.delenv("SWEEP_FILES", raising=False)
    return made


def test_no_command_makes_a_store_but_those_that_fill_one(folder: Path) -> None:
    for typed in SCORE_REQUEST + CHANGING:
        result = CliRunner().invoke(app, typed.split())
        assert isinstance(result.exception, StoreMissing), (typed, result.output, result.exception)
        assert str(folder / "sweep-data" / "sweep.db") in result.exception.what
        assert result.exception.exit_code == 5
        assert "sweep launch FILE" in result.exception.next
        assert [path.name for path in folder.parent.rglob("*")] == [folder.name, "tiny.yaml"], typed


@pytest.mark.parametrize("options", [[], ["--reap"], ["--migrate"]])
def test_doctor_tells_of_the_machine_and_that_there_is_no_store(folder: Path, options: list[str]) -> None:
    result = CliRunner().invoke(app, ["doctor", "--json", *options])
    assert result.exit_code == 5
    found = {line["what"]: line for line in json.loads(result.stdout)}
    assert found["files"]["well"]
    assert not found["store"]["well"]
    assert str(folder / "sweep-data" / "sweep.db") in found["store"]["found"]
    assert [path.name for path in folder.parent.rglob("*")] == [folder.name, "tiny.yaml"]
