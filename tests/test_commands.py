"""Printed commands can be pasted: a shell reads the words that were meant."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from sweep.api.locations import DEFAULT_FILES, DEFAULT_STORAGE, absolute_url, store_options
from sweep.commands import command


@pytest.mark.parametrize(
    "name", ["my study.yaml", "it's.yaml", "$HOME.yaml", "a;b.yaml", "~x.yaml", "ü.yaml", "*.yaml"]
)
def test_a_shell_reads_back_the_words(name: str) -> None:
    assert shlex.split(command("launch", Path(name), "--files", name)) == ["sweep", "launch", name, "--files", name]


def test_a_file_that_begins_with_a_dash_is_no_option() -> None:
    assert command("plan", Path("-x.yaml"), "--no-measure") == "sweep plan ./-x.yaml --no-measure"


def test_a_command_names_the_store_that_it_would_not_find_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWEEP_STORAGE", raising=False)
    monkeypatch.delenv("SWEEP_FILES", raising=False)
    assert store_options(absolute_url(DEFAULT_STORAGE), DEFAULT_FILES) == []
    other = absolute_url("sqlite:///run one.db")
    options = store_options(other, "my files")
    assert options == ["--storage", other, "--files", "my files"]
    assert shlex.split(command("report", "digits", *options))[3:] == options
    monkeypatch.setenv("SWEEP_STORAGE", "sqlite:///run one.db")
    monkeypatch.setenv("SWEEP_FILES", "my files")
    assert store_options(other, "my files") == []
    assert "hunter2" not in " ".join(store_options("postgresql://me:hunter2@host/sweep"))
