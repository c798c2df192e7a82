"""Where a command writes what its user wants: a file in the way, a folder that cannot be made, numbers out of reach."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sweep.cli import main
from sweep.store import open_store
from tests.helpers.tiny_store import study_with_runs


@pytest.fixture
def storage(sqlite_url: str) -> str:
    """A store with a study."""
    store = open_store(sqlite_url)
    study_with_runs(store, 1)
    store.close()
    return sqlite_url


@pytest.mark.parametrize("words", ["export tiny", "trials repro tiny 1", "train run-1.json --device cpu"])
@pytest.mark.parametrize("out", ["in-the-way", "in-the-way/below", "/proc/none/x"])
def test_an_output_that_cannot_be_written_is_told_with_its_name(
    words: str,
    out: str,
    storage: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_STORAGE", storage)
    if words.startswith("train"):
        _run(monkeypatch, "trials repro tiny 1")
    if words.startswith("trials"):
        Path("in-the-way").mkdir()  # of a file, a folder is in the way
        out = out.replace("/below", "/no/folder")
    else:
        Path("in-the-way").write_text("mine")
    code = _run(monkeypatch, f"{words} --out {out}")
    assert code == 1
    what, why, next_ = capsys.readouterr().err.splitlines()[-3:]
    assert what == f"error: {out} cannot be written"
    assert why.startswith("  why: ")
    assert next_.endswith("--out PATH.")


@pytest.mark.parametrize(
    "words",
    [
        "launch x.yaml --workers 100000000",
        "plan x.yaml --workers 100000000",
        "bench store --workers 100000000",
        "worker --study x --threads 9999999999",
        "train x.json -o x --threads 9999999999",
    ],
)
def test_no_machine_is_filled_with_workers_by_a_slip_of_the_keyboard(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, words) == 2
    assert "Invalid value for" in capsys.readouterr().err


def _run(monkeypatch: pytest.MonkeyPatch, words: str) -> object:
    monkeypatch.setattr(sys, "argv", ["sweep", *words.split()])
    with pytest.raises(SystemExit) as left:
        main()
    return left.value.code
