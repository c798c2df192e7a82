"""What an installed package has: licence, types, pages of documentation, and bounds that hold."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

import sweep

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return ZipFile(next(folder.glob("*.whl")))


def test_a_wheel_has_its_licence_its_types_and_its_pages(wheel):
    names = wheel.namelist()
    assert "sweep/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {f"sweep/docs/{page.name}" for page in (ROOT / "sweep" / "docs").glob("*.md")} <= set(names)
    assert all(name.startswith(("sweep/", "ddpm_sweep-")) for name in names)


def test_a_wheel_has_every_study_of_the_checkout(wheel):
    studies = {path.relative_to(ROOT / "studies").as_posix() for path in (ROOT / "studies").rglob("*.yaml")}
    assert len(studies) > 20
    assert {f"sweep/studies/{name}" for name in studies} <= set(wheel.namelist())


def test_the_version_is_written_once(wheel):
    metadata = next(wheel.read(name).decode() for name in wheel.namelist() if name.endswith("METADATA"))
    assert f"\nVersion: {sweep.__version__}\n" in metadata
    assert "version" not in PROJECT
    assert version("ddpm-sweep") == sweep.__version__


def test_the_command_tells_its_version():
    done = subprocess.run([sys.executable, "-m", "sweep", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"ddpm-sweep {sweep.__version__}\n"


def test_every_dependency_states_the_lowest_version_that_was_tried():
    """`make smoke-lowest` runs a study on these versions."""
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    for line in [*PROJECT["dependencies"], *extras]:
        assert re.search(r"[>=]=\d", line), line


def test_names_of_the_newest_sqlalchemy_are_declared():
    """`sqlalchemy.Named` came with 2.1."""
    assert any(line.startswith("sqlalchemy>=2.1") for line in PROJECT["dependencies"])
