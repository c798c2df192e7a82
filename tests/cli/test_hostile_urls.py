"""Addresses that no store has: refused within two seconds and 200 MB, in three lines, and nothing is written or run."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import pytest

from sweep.cli import main

SECRET = "hunter2"
HOSTILE = {
    "nothing but blanks": "   ",
    "a path": "sweep.db",
    "memory": "sqlite:///:memory:",
    "memory, short": "sqlite://",
    "memory by a file": "sqlite:///file::memory:?cache=shared&uri=true",
    "a host for SQLite": "sqlite://hunter2/x.db",
    "options for SQLite": "sqlite:///made.db?mode=rwc",
    "a device without end": "sqlite:////dev/zero",
    "memory of a process": "sqlite:////proc/self/mem",
    "a file that is none": "sqlite:////etc/passwd",
    "a folder": "sqlite:////tmp",
    "a home of nobody": "sqlite:///~hunter2/x.db",
    "a name too long": "sqlite:///" + "a" * 300,
    "a path too long": "sqlite:///" + "a/" * 2_000 + "x.db",
    "a megabyte": "postgresql://me:" + "a:" * 500_000 + "@db/x",
    "a line break": "sqlite:///a\nb.db",
    "a NUL": "sqlite:///a\x00b.db",
    "half a surrogate pair": "sqlite:///a\ud800b.db",
    "escapes of a terminal": "sqlite:///\x1b[2Jx.db",
    "a command": "sqlite:///$(touch made)`touch made`;touch made.db",
    "a driver of somebody's": "sqlite+pysqlcipher://:hunter2@/x.db",
    "another database": "mysql://me:hunter2@db/x",
    "a plug-in": "postgresql://me:hunter2@127.0.0.1:1/x?plugin=hunter2",
    "keys written to a file": "postgresql://me:hunter2@127.0.0.1:1/x?sslkeylogfile=made",
    "an @ in the password": "postgresql://me:p@hunter2@127.0.0.1:1/x",
    "an @ and a / in the password": "postgresql://me:p@hunter2/x@127.0.0.1:1/x",
    "an @ and a ? in the password": "postgresql://me:p@q?hunter2@127.0.0.1:1/x",
    "a ? and an @ in the password": "postgresql://me:a?b@hunter2@127.0.0.1:1/x",
    "a # and an @ in the password": "postgresql://me:a#b@hunter2@127.0.0.1:1/x",
    "a slash before the @": "postgresql://me/hunter2@127.0.0.1:1/x",
    "a password with every mark": "postgresql://me:p:/?#%hunter2@127.0.0.1:1/x",
    "a port that is none": "postgresql://me:p@127.0.0.1:hunter2/x",
    "a port too high": "postgresql://me:hunter2@127.0.0.1:99999/x",
    "an open bracket": "postgresql://me:hunter2@[::1/x",
    "nobody listens": "postgresql://me:hunter2@127.0.0.1:1/x",
    "a bad option": "postgresql://me:hunter2@127.0.0.1:1/x?sslmode=whatever",
    "a secret option": "postgresql://me@127.0.0.1:1/x?sslpassword=hunter2&passfile=hunter2&sslmode=disable",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_it_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SWEEP_FILES", raising=False)
    monkeypatch.setattr(sys, "argv", ["sweep", "status", "--storage", HOSTILE[kind]])
    memory, before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(SystemExit) as left:
        main()
    assert time.monotonic() - before < 2.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 200_000
    told = capfd.readouterr()
    assert left.value.code == 5
    assert "next" in told.out + told.err
    assert "Traceback" not in told.out + told.err
    assert "\x1b" not in told.out + told.err
    assert SECRET not in told.out + told.err
    assert list(tmp_path.iterdir()) == []
