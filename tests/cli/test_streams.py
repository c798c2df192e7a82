"""Standard streams at their limits: closed, full, read by nobody any more, or ASCII alone."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sweep.store import open_store
from tests.helpers.tiny_store import study_with_runs

SWEEP = str(Path(sys.executable).with_name("sweep"))
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def sweep(words: str, redirected: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The command with its streams redirected by a shell."""
    line = f"exec {shlex.quote(SWEEP)} {words} {redirected}"
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, errors="replace", env=os.environ | environment, timeout=100
    )


@pytest.fixture
def storage(sqlite_url: str) -> str:
    """The option that names a store with a study."""
    store = open_store(sqlite_url)
    study_with_runs(store, 2)
    store.close()
    return f"--storage {shlex.quote(sqlite_url)}"


@pytest.mark.slow
def test_closed_streams_end_no_command_and_never_get_the_databases_number(storage: str) -> None:
    for closed in (">&-", "2>&-", "<&-", ">&- 2>&- <&-"):
        done = sweep(f"status tiny {storage}", closed)
        assert (done.returncode, done.stderr) == (0, ""), closed
    assert "tiny (active)" in sweep(f"status tiny {storage}").stdout  # the database is whole


@pytest.mark.slow
def test_a_full_output_is_told_in_three_lines_and_full_progress_is_dropped(storage: str) -> None:
    for words in (f"status tiny {storage}", f"status {storage} --json"):
        full = sweep(words, ">/dev/full")
        assert full.returncode == 1
        assert [line.split(":")[0].strip() for line in full.stderr.splitlines()] == ["error", "why", "next"]
        assert "No space left on device" in full.stderr
    refused = sweep(f"status nobody {storage}", "2>/dev/full")
    assert (refused.returncode, refused.stdout) == (2, "")


def test_a_reader_that_ends_first_ends_the_command_in_silence(storage: str) -> None:
    for words in (["--help"], ["status", "tiny", *shlex.split(storage)]):
        with subprocess.Popen([SWEEP, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.close()
            assert process.stderr is not None
            assert process.stderr.read() == ""
        assert process.returncode == 141, words  # 128 + SIGPIPE


@pytest.mark.slow
def test_an_ascii_terminal_gets_every_line_with_characters_replaced(storage: str, tmp_path: Path) -> None:
    file = tmp_path / "läuft.yaml"
    file.write_text(
        "name: ascii\nquestion: Läuft es → ≥ 3?\nbaseline: {T: 50, images: 320, net: mlp_small}\n"
        "factors: {lr: {role: scientific, levels: {größer: {lr: 2e-3}}}}\n",
        encoding="utf-8",
    )
    planned = sweep(f"plan {shlex.quote(str(file))} --no-measure", **ASCII)
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.startswith("L?uft es ? ? 3?")
    assert planned.stdout.isascii()
    missing = sweep("plan fehlt-ü.yaml --no-measure", **ASCII)
    assert missing.returncode == 2
    assert "Traceback" not in missing.stderr
    assert sweep(f"status tiny {storage}", **ASCII).returncode == 0
