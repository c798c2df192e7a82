"""Network file systems are known by their mount, whatever its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sweep.errors import StoreError
from sweep.store import open_store
from sweep.store.sql import mounts
from sweep.store.sql.mounts import file_system_of, is_network

MOUNTS = rb"""
overlay / overlay rw 0 0
/dev/sda1 /home ext4 rw 0 0
server:/export /home/shared nfs4 rw 0 0
server:/export /with\040space nfs rw 0 0
server:/export /back\134slash\011tab nfs rw 0 0
/dev/sda1 /home/shared/local ext4 rw 0 0
bucket /s3 fuse.s3fs rw 0 0
first /twice ext4 rw 0 0
second /twice lustre rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "file_system", "network"),
    [
        ("/tmp/a.db", "overlay", False),
        ("/home/me/a.db", "ext4", False),
        ("/home/shared/a.db", "nfs4", True),
        ("/home/sharedX/a.db", "ext4", False),
        ("/home/shared/local/a.db", "ext4", False),
        ("/with space/a.db", "nfs", True),
        ("/s3/a.db", "fuse.s3fs", True),
        ("/twice/a.db", "lustre", True),
        ("/back\\slash\ttab/a.db", "nfs", True),
    ],
)
def test_network_file_systems_are_known_by_their_mount(path: str, file_system: str, network: bool) -> None:
    assert file_system_of(Path(path), MOUNTS) == file_system
    assert is_network(file_system) is network


@pytest.mark.parametrize("name", ["süd", "数据", "a b\\c", os.fsdecode(b"latin-\xfc")])
def test_a_mount_is_known_by_any_name(name: str) -> None:
    escaped = os.fsencode(name).replace(b"\\", rb"\134").replace(b" ", rb"\040")
    octal = "".join(f"\\{byte:03o}" for byte in os.fsencode(name)).encode()
    for spelling in (escaped, octal):
        lines = b"/dev/sda1 / ext4 rw 0 0\nserver:/x /" + spelling + b" nfs4 rw 0 0\n"
        assert file_system_of(Path("/") / name / "a.db", lines) == "nfs4"


def test_sqlite_on_a_network_file_system_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "süd"
    folder.mkdir()
    table = tmp_path / "mounts"
    table.write_bytes(b"server:/x " + os.fsencode(folder) + b" nfs4 rw 0 0\n")
    monkeypatch.setattr(mounts, "_MOUNTS", table)

    with pytest.raises(StoreError, match="nfs4") as caught:
        open_store(f"sqlite:///{folder}/a.db")

    assert "postgresql://" in caught.value.next
    assert list(folder.iterdir()) == []
