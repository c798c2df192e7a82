"""What an author of a plugin runs: `pytest --pyargs sweep.testing --plugin my_parts.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.parquet import write_digits

FOLDER = Path(__file__).parents[2] / "studies/plugins"

pytestmark = pytest.mark.slow


def suite(folder: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    plugins = [argument for file in files for argument in ("--plugin", str(file))]
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--pyargs", "sweep.testing", *plugins]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def test_the_shipped_plugins_keep_their_contracts(tmp_path):
    files = sorted(FOLDER.glob("*.py"))
    write_digits(tmp_path / "images.parquet", 60)  # where a data set has it by default
    done = suite(tmp_path, *files)
    assert done.returncode == 0, done.stdout + done.stderr
    for part in ("net tiny_conv", "schedule power", "optimizer lion", "dataset gratings", "metric contrast"):
        assert f"test_it_keeps_its_contract[{part}] PASSED" in done.stdout


def test_a_failure_says_which_part_breaks_what(tmp_path):
    text = (FOLDER / "lion.py").read_text()
    choice = 'def cooldown(progress: float, *, share: float = 0.2, end: Literal["zero", "nothing"] = "zero")'
    text = text.replace("def cooldown(progress: float, *, share: float = 0.2)", choice)
    text = text.replace("return min", 'return float("nan") if end == "nothing" else min')
    file = tmp_path / "mine.py"
    file.write_text("from typing import Literal\n" + text)
    done = suite(tmp_path, file)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "test_it_keeps_its_contract[lr_schedule cooldown] PASSED" in done.stdout
    assert "test_it_keeps_its_contract[lr_schedule cooldown, end=nothing] FAILED" in done.stdout
    assert "a finite number >= 0 is expected" in done.stdout


def test_a_file_that_is_no_plugin_fails_with_its_line(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("x = \n")
    done = suite(tmp_path, file)
    assert done.returncode == 1
    assert "mine.py, line 1: not Python" in done.stdout


def test_a_plugin_must_be_named(tmp_path):
    done = suite(tmp_path)
    assert done.returncode != 0
    assert "name a plugin" in done.stdout + done.stderr
