"""`sweep studies`: what comes with the package is listed, and copied without replacing anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sweep.cli.app import app
from sweep.config.study_file import load_study
from sweep.errors import OutputError, UsageError

STUDIES = Path(__file__).parents[2] / "studies"
Sweep = Callable[..., Result]


@pytest.fixture
def sweep() -> Sweep:
    """Type a command."""
    return lambda *typed: CliRunner().invoke(app, typed)


def test_every_study_is_listed_with_its_question(sweep: Sweep) -> None:
    lines = sweep("studies").stdout.splitlines()
    assert len(lines) == len(list(STUDIES.rglob("*.yaml")))
    for path in STUDIES.rglob("*.yaml"):
        name = path.relative_to(STUDIES).with_suffix("").as_posix()
        (line,) = [line for line in lines if line.split()[0] == name]
        assert line.endswith(load_study(path).question)


def test_a_copy_is_the_file_and_says_what_is_next(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = sweep("studies", "copy", "small/chain-length")
    assert done.stdout.splitlines() == ["chain-length.yaml", "next: sweep plan chain-length.yaml"]
    copied = (tmp_path / "chain-length.yaml").read_text()
    assert copied == (STUDIES / "small" / "chain-length.yaml").read_text()


def test_plugins_are_written_beside_the_study(sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny_conv.py").write_text("mine")
    refused = sweep("studies", "copy", "plugins/own-net").exception
    assert isinstance(refused, UsageError)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny_conv.py"]
    (tmp_path / "tiny_conv.py").unlink()
    for name in ("own-net.yaml", "second.yaml"):  # an equal plugin that is there is no obstacle
        done = sweep("studies", "copy", "plugins/own-net", "-o", name)
        assert done.stdout.splitlines() == [name, "tiny_conv.py", f"next: sweep plan {name}"]
        assert load_study(tmp_path / name).plugin_sources == load_study(STUDIES / "plugins/own-net.yaml").plugin_sources


def test_a_file_that_is_there_stays(sweep: Sweep, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("mine")
    refused = sweep("studies", "copy", "digits", "--out", str(mine)).exception
    assert isinstance(refused, UsageError)
    assert mine.read_text() == "mine"


def test_an_unknown_name_gets_the_nearest_one(sweep: Sweep) -> None:
    refused = sweep("studies", "copy", "digts").exception
    assert isinstance(refused, UsageError)
    assert refused.next == "sweep studies copy digits"


def test_a_folder_that_is_not_there_is_named(sweep: Sweep, tmp_path: Path) -> None:
    refused = sweep("studies", "copy", "digits", "--out", str(tmp_path / "no" / "x.yaml")).exception
    assert isinstance(refused, OutputError)
