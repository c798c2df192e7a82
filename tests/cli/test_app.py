"""The command as it is typed: quick to answer, with examples, and harmless where the study file is wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
import typer
from typer.testing import CliRunner

from sweep.cli import main
from sweep.cli.app import app
from sweep.cli.command_groups import CommandGroup
from tests.config.test_study_files import GOOD, WRONG


def verbs(group: click.Group, *before: str) -> Iterator[tuple[str, click.Command]]:
    """Every command, by the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from verbs(command, *before, name)
        else:
            yield " ".join((*before, name)), command


VERBS = dict(verbs(typer.main.get_command(app)))


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_has_an_example(verb):
    told = VERBS[verb].help or ""
    assert "Example" in told
    assert f"sweep {verb}" in told


def test_help_is_whole_and_has_an_example_a_line():
    """Examples that were run together could not be copied."""
    overview = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).stdout
    assert "..." not in overview.partition("Options:")[2]
    shown = CliRunner().invoke(app, ["status", "--help"], env={"COLUMNS": "80"}).stdout.splitlines()
    first = next(place for place, line in enumerate(shown) if "Examples: sweep status" in line)
    assert [line.split() for line in shown[first + 1 : first + 3]] == [
        ["sweep", "status", "digits", "--watch"],
        ["sweep", "status", "digits", "--json"],
    ]


def test_help_lists_each_command_once_under_a_heading():
    """A command without a group would be missing from the list."""
    overview = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).stdout.partition("--help ")[2]
    listed = [line.split()[0] for line in overview.splitlines() if re.match(r"  [a-z]+  +[A-Z]", line)]
    assert sorted(listed) == sorted({verb.split()[0] for verb in VERBS})
    assert all(f"{group.value}:" in overview for group in CommandGroup)


def test_help_answers_in_half_a_second_and_loads_nothing_heavy():
    """CPU time of the process, which other processes on the machine do not change."""
    code = (
        "import json, sys, time\n"
        "from sweep.cli import main\n"
        "sys.argv = ['sweep', '--help']\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    heavy = [m for m in 'torch optuna pandas sqlalchemy pydantic numpy'.split() if m in sys.modules]\n"
        "    print(json.dumps([time.process_time(), heavy]), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, heavy = json.loads(done.stderr.splitlines()[-1])
    assert heavy == []
    assert seconds <= 0.5
    assert all(verb.split()[0] in done.stdout for verb in VERBS)


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("sweep.worker.worker", "torch numpy pandas optuna"),  # one a GPU, beside the process that computes
        ("sweep.store", "torch numpy pandas optuna pydantic sqlalchemy.orm"),  # all that `sweep status` asks
    ],
)
def test_what_starts_often_loads_nothing_heavy(module, heavy):
    code = f"import sys, {module}; print([name for name in {heavy.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_working_folder_that_is_gone_is_told_in_three_lines(tmp_path, monkeypatch, capsys):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for verb in ("launch study.yaml", "worker --study digits", "status"):
        monkeypatch.setattr(sys, "argv", ["sweep", *verb.split(), "--storage", f"sqlite:///{tmp_path}/sweep.db"])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 2
        told = capsys.readouterr().err.splitlines()
        assert [line.split(":")[0].strip() for line in told] == ["error", "why", "next"]


@pytest.mark.parametrize("debug", ["", "1"])
def test_an_error_that_nobody_expected_is_three_lines_and_its_traceback_is_to_be_had(debug, monkeypatch, capsys):
    def broken() -> None:
        raise ZeroDivisionError("of postgresql://me:hunter2@host/db \x1b[2J\nin two lines")

    monkeypatch.setattr("sweep.cli._require_working_folder", broken)
    monkeypatch.setattr(sys, "argv", ["sweep", "status", "a name", "--storage", "postgresql://me:hunter2@host/db"])
    monkeypatch.setenv("SWEEP_DEBUG", debug)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    told = capsys.readouterr().err
    assert "hunter2" not in told
    assert "\x1b" not in told
    assert ("Traceback" in told) == (debug == "1")
    *_, what, why, command = told.splitlines()
    assert what.startswith("error: ")
    assert why.startswith("  why: ZeroDivisionError: of postgresql://me:***@host/db")
    assert command.startswith(" next: SWEEP_DEBUG=1 sweep status 'a name' --storage postgresql://me:***@host/db")


BAD = ("unknown key", "T = 0", "binary", "empty", "range reversed", "missing", "a folder", "infeasible", "no formula")


@pytest.mark.parametrize("verb", ["plan", "launch", "space diff"])
@pytest.mark.parametrize("case", BAD)
def test_a_bad_study_file_exits_with_2_and_writes_nothing(verb, case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "study.yaml"
    if case == "infeasible":
        file.write_text(GOOD.replace("[cosine]", "[jsd]"))
    elif case == "no formula":
        level = "{schedule: custom, schedule_formula: 'cos(u*pi/2)**'}"
        file.write_text(GOOD.replace("[cosine]", f"{{mine: {level}}}"))
    elif case == "a folder":
        file.mkdir()
    elif case != "missing":
        text = WRONG[case][0]
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = sorted(tmp_path.rglob("*"))
    storage = ["--storage", f"sqlite:///{tmp_path}/none/sweep.db"]
    monkeypatch.setattr(sys, "argv", ["sweep", *verb.split(), "study.yaml", *storage])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr()
    assert left.value.code == 2
    assert told.out == ""
    assert "study.yaml" in told.err
    assert "next: " in told.err
    assert "Traceback" not in told.err
    assert "\x1b" not in told.err
    assert sorted(tmp_path.rglob("*")) == before
