"""Which file system holds a path, and whether it crosses a network."""

from __future__ import annotations

import os
import re
from pathlib import Path

# WAL needs memory shared between all readers, and file locks: neither crosses a network.
NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "lustre",
        "gpfs",
        "beegfs",
        "ceph",
        "afs",
        "9p",
        "panfs",
        "orangefs",
        "pvfs2",
        "glusterfs",
        "ocfs2",
        "gfs2",
        "ncpfs",
        "davfs",
        "virtiofs",
    }
)
_LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs", "fuse.overlayfs"})
_MOUNTS = Path("/proc/mounts")
_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")


def file_system_of(path: Path, mounts: bytes) -> str:
    """Find the type of the file system that holds a path.

    Args:
        path: An absolute path.
        mounts: The content of /proc/mounts.

    Returns:
        The type, such as `ext4`; "" where the mounts do not say.
    """
    kind, longest = "", -1
    for line in mounts.split(b"\n"):
        fields = line.split(b" ")
        if len(fields) < 3:
            continue
        # The kernel writes space, tab, newline and backslash in octal, and every other byte of a name as it is.
        point = Path(os.fsdecode(_OCTAL.sub(lambda octal: bytes([int(octal[1], 8)]), fields[1])))
        # The last mount on a point hides the earlier ones.
        if path.is_relative_to(point) and len(point.parts) >= longest:
            kind, longest = os.fsdecode(fields[2]), len(point.parts)
    return kind


def network_file_system_of(path: Path) -> str | None:
    """The type of the network file system that holds an absolute path; None where a local one does."""
    file_system = file_system_of(path, _MOUNTS.read_bytes()) if _MOUNTS.exists() else ""
    return file_system if is_network(file_system) else None


def is_network(file_system: str) -> bool:
    """Whether SQLite must not be put there. Unknown FUSE file systems count as network."""
    fuse = file_system == "fuse" or file_system.startswith("fuse.")
    return file_system in NETWORK_FILE_SYSTEMS or (fuse and file_system not in _LOCAL_FUSE)
