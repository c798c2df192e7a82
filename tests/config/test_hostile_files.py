"""A study file that a stranger wrote is refused in two seconds and 200 MB, and nothing of it is written or executed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sweep.config.study import Study
from sweep.config.study_file import load_study
from sweep.errors import SweepError
from sweep.planning.plan import read_study_plan
from tests.helpers import hostile_files as hostile
from tests.helpers.hostile_files import FORMULAS, NAMES, NUMBERS, SIZES, STUDIES, YAML, with_formula, with_name

ROOT = Path(__file__).parents[2]
MOST_SECONDS = 1.0
"""Of CPU; starting the command takes another."""
MOST_MEGABYTES = 200
LONGEST_ANSWER = 1_500

CORPUS: dict[str, dict[str, str | bytes]] = {
    "yaml": YAML,
    "numbers": NUMBERS,
    "sizes": SIZES,
    "formulas": {repr(formula): with_formula(formula) for formula in FORMULAS},
    "names": {repr(name): with_name(name) for name in NAMES},
}


def typed(commands: list[list[str]], folder: Path) -> list[dict[str, object]]:
    """What came of each command, typed in `folder`."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.helpers.refusals", str(folder)],
        input="".join(json.dumps(words) + "\n" for words in commands),
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def fault_of(outcome: dict[str, object], file: str) -> str | None:
    """What is wrong with how a command ended that should have refused its file; None for nothing."""
    err = str(outcome["err"])
    wrong = {
        f"exit code {outcome['code']}": outcome["code"] != 2,
        f"{outcome['cpu_seconds']:.1f} s": float(str(outcome["cpu_seconds"])) > MOST_SECONDS,
        f"{outcome['megabytes']:.0f} MB": float(str(outcome["megabytes"])) > MOST_MEGABYTES,
        "output": outcome["out"] != "",
        "a traceback": "Traceback" in err,
        "no file": file not in err.replace("\n", ""),
        "no way out": "next: " in err and len(err) <= LONGEST_ANSWER,
        "a control character": any(ord(letter) < 32 and letter != "\n" for letter in err),
    }
    wrong["no way out"] = not wrong["no way out"]
    found = [name for name, is_so in wrong.items() if is_so]
    return f"{', '.join(found)}: {err[-500:]}" if found else None


def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Where the commands are typed, and where the files are."""
    work, files = tmp_path / "work", tmp_path / "files"
    work.mkdir()
    files.mkdir()
    return work, files


@pytest.mark.parametrize("kind", CORPUS)
def test_every_hostile_study_is_refused_at_once(kind, tmp_path):
    work, files = folders(tmp_path)
    commands = []
    for index, text in enumerate(CORPUS[kind].values()):
        file = files / f"{index}.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        commands.append(["plan", str(file), "--no-measure"])
    outcomes = typed(commands, work)
    assert len(outcomes) == len(commands)
    faults = {
        name: fault
        for name, outcome, words in zip(CORPUS[kind], outcomes, commands, strict=True)
        if (fault := fault_of(outcome, words[1]))
    }
    assert not faults, json.dumps(faults, indent=1)
    assert list(work.iterdir()) == []
    assert len(list(files.iterdir())) == len(commands)


def test_there_are_sixty_studies_forty_formulas_and_eleven_names():
    assert len(STUDIES) >= 60
    assert len(FORMULAS) >= 44
    assert len(NAMES) >= 11


DOORS = [
    ["launch"],
    ["space", "diff"],
    ["plan", "--json"],
]


def test_what_is_no_file_is_refused_at_once_by_every_command(tmp_path):
    work, files = folders(tmp_path)
    os.mkfifo(files / "pipe")
    (files / "folder").mkdir()
    (files / "loop").symlink_to(files / "loop")
    (files / "zeros").symlink_to("/dev/zero")
    with (files / "sparse").open("wb") as sparse:
        sparse.truncate(10 * 2**30)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(files / "socket"))
    named = [
        str(files / name) for name in ("pipe", "folder", "loop", "zeros", "sparse", "socket", "missing", "n" * 300)
    ]
    paths = [*named, "/dev/zero", "/dev/null", "/dev/stdin", "/dev/urandom", "/proc/self/mem", "/proc/kmsg"]
    paths = [path for path in paths if path in named or Path(path).exists()]
    (files / "bomb.yaml").write_text(YAML["aliases in a key"])
    (files / "factorial.yaml").write_text(str(SIZES["a factorial of millions"]))
    paths += [str(files / "bomb.yaml"), str(files / "factorial.yaml")]
    commands = [[*door[:2], path, *door[2:]] for door in DOORS for path in paths]
    commands += [["train", path, "--out", "out"] for path in named + paths[:-2]]
    outcomes = typed(commands, work)
    faults = {
        " ".join(words): fault
        for words, outcome in zip(commands, outcomes, strict=True)
        if (fault := fault_of(outcome, next(word for word in words if "/" in word)))
    }
    assert not faults, json.dumps(faults, indent=1)
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("name", ["aliases in values", "a call", "a NUL", "1e9 seeds", "a factorial of millions"])
def test_functions_refuse_what_commands_refuse(name, tmp_path):
    (tmp_path / "study.yaml").write_text(str(STUDIES[name]))
    with pytest.raises(SweepError, match=r"study\.yaml, line \d+"):
        read_study_plan(tmp_path / "study.yaml")


def test_a_path_that_no_system_has_is_refused(tmp_path):
    with pytest.raises(SweepError, match="cannot be read"):
        load_study(tmp_path / "a\0b")


@pytest.mark.parametrize(
    "change",
    [
        {"question": "a\x1b[2J"},
        {"question": "x" * 10_001},
        {"cites": "\ud800"},
        {"factors": {"lr": {"role": "scientific", "levels": [10**400]}}},
        {"factors": {"a\nb\x00": {"role": "fixed"}}},
        {"factors": {"net": {"role": "scientific", "levels": [[1.0]]}}},
        {"name": "../x"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_study_made_in_python_has_the_same_bounds(change):
    with pytest.raises(ValueError, match="validation error"):
        Study.model_validate({"name": "a", "question": "Is it?", **change})


def test_the_largest_lists_of_a_study_file_are_still_read(tmp_path):
    """Bounds stop bombs, not schedules that are written out."""
    betas = ", ".join(f"{1e-4 + 5e-6 * t:.10f}" for t in range(4_000))
    level = f"{{schedule: custom, schedule_betas: [{betas}]}}"
    lines = "\n".join(f"      l{n}: {level.replace('0.0001000000', f'0.0001{n}')}" for n in range(3))
    text = f"{hostile.HEAD}baseline: {{T: 4000}}\nfactors:\n  betas:\n    role: scientific\n    levels:\n{lines}\n"
    (tmp_path / "study.yaml").write_text(text)
    assert len(load_study(tmp_path / "study.yaml").levels_of("betas")) == 3
