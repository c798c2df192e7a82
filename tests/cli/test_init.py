"""`sweep init` writes a study that `sweep plan` accepts, whatever is answered."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sweep.api.first_study import DATA_SETS, SUGGESTED_FACTORS, suggested_images, suggested_levels
from sweep.cli.app import app
from sweep.config.study_file import load_study
from sweep.planning.plan import read_study_plan
from tests.helpers.image_folders import digits_folder


def typed(*words: str) -> str:
    result = CliRunner().invoke(app, ["init", *words])
    if result.exit_code:
        assert result.exception is not None
        raise result.exception
    return result.stdout


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_a_study_of_digits():
    assert typed("--yes").splitlines() == ["study.yaml", "next: sweep plan study.yaml"]
    study = load_study("study.yaml")
    assert (study.name, study.seeds, study.baseline.images) == ("digits-schedule", 3, 20_000)
    assert read_study_plan(Path("study.yaml")).trainings == 6


@pytest.mark.parametrize("factor", SUGGESTED_FACTORS)
@pytest.mark.parametrize("data", DATA_SETS)
def test_every_data_set_with_every_suggested_factor_is_planned(data, factor):
    typed("--yes", "--data", data, "--factor", factor)
    plan = read_study_plan(Path("study.yaml"))
    assert set(plan.study.factors) == {factor}
    assert plan.scores > plan.study.seeds
    assert suggested_levels(factor)
    assert suggested_images(data)


@pytest.mark.parametrize("size", [7, 8, 30, 32])
def test_a_folder_of_images_is_planned(tmp_path, size):
    digits_folder(tmp_path / "My Digits", 40)
    typed("--yes", "--data", "My Digits", "--size", str(size))
    study = read_study_plan(Path("study.yaml")).study
    assert study.name == "my-digits-schedule"
    assert study.baseline.data.path == str(tmp_path / "My Digits")


def test_a_file_that_is_there_is_not_replaced():
    Path("study.yaml").write_text("mine")
    with pytest.raises(Exception, match=r"study\.yaml is there already"):
        typed("--yes")
    assert Path("study.yaml").read_text() == "mine"


WRONG = {
    ("--data", "digit"): "no data set named 'digit'; did you mean 'digits'",
    ("--factor", "shedule", "--levels", "x"): "no setting named 'shedule'; did you mean 'schedule'",
    ("--levels", "cosin"): "answer `levels`: .*did you mean 'cosine'",
    ("--levels", "[cosine"): "levels, line 1",
    ("--images", "lots"): "answer `images`: .*found 'lots'",
    ("--factor", "beta_T"): "--levels has no default here",
    ("--name", "../x"): "answer `name`",
}


@pytest.mark.parametrize(("words", "says"), WRONG.items())
def test_a_wrong_answer_is_refused_and_nothing_is_written(words, says):
    with pytest.raises(Exception, match=says):
        typed("--yes", *words)
    assert list(Path.cwd().iterdir()) == []


def test_without_a_terminal_nothing_is_asked():
    with pytest.raises(Exception, match="nobody can answer here: --data, --levels, --seeds, --images"):
        typed("--factor", "lr")
    assert list(Path.cwd().iterdir()) == []


def test_on_a_terminal_the_five_questions_are_asked():
    ours, theirs = pty.openpty()
    answers = ["", "lr", "1e-4, 1e-2", "many", "4", "10k"]
    os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
    done = subprocess.run(
        [sys.executable, "-m", "sweep", "init"], stdin=theirs, capture_output=True, text=True, timeout=120, check=False
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["study.yaml", "next: sweep plan study.yaml"]
    assert "'many' is no number of seeds" in done.stderr
    study = load_study("study.yaml")
    assert study.levels_of("lr") == {"0.0001": {"lr": 1e-4}, "0.01": {"lr": 1e-2}}
    assert (study.seeds, study.baseline.images, study.baseline.data.name) == (4, 10_000, "digits")
