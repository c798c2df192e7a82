"""The images of a zip archive, which stay packed until they are read."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from sweep.data.arrangement import Member
from sweep.data.image_file import MAX_FILE_BYTES, Unreadable, file_in_memory
from sweep.data.left_out import Counts, Reason, escaped, extension, is_image, is_of_system
from sweep.errors import DataError

LABELS = "dataset.json"
MAX_LABELS_BYTES = 200 * 2**20


def list_zip_file(path: Path) -> tuple[list[Member], Counts, bytes | None]:
    """The images of an archive, what else it holds, and its `dataset.json`.

    A folder that holds everything else, as archivers make it, does not count.

    Args:
        path: The archive.

    Raises:
        DataError: It is damaged or encrypted.
    """
    try:
        archive = zipfile.ZipFile(path)
        infos = [info for info in archive.infolist() if not info.is_dir()]
        encrypted = next((info.filename for info in infos if info.flag_bits & 1), None)
        labels = _bounded(archive, LABELS, MAX_LABELS_BYTES) if LABELS in archive.NameToInfo else None
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, Unreadable) as error:
        raise _refused(path, str(error) or type(error).__name__) from error
    if encrypted is not None:
        raise _refused(path, f"{escaped(encrypted)} is encrypted")
    members, counts = list[Member](), Counts()
    for info in infos:
        names = PurePosixPath(info.filename).parts
        hidden = next((name for name in names if is_of_system(name)), None)
        if hidden is not None:
            counts.add(Reason.SYSTEM, hidden, int(is_image(names[-1])))
        elif is_image(names[-1]):
            read = partial(_bounded, archive, info.filename, MAX_FILE_BYTES)
            members.append(Member(names, file_in_memory(PurePosixPath(path, info.filename), read)))
        elif info.filename != LABELS:
            counts.add(Reason.SUFFIX, extension(names[-1]))
    return (members if labels is not None else _without_root(members)), counts, labels


def _without_root(members: Sequence[Member]) -> list[Member]:
    inner = list(members)
    while inner and all(len(m.names) > 1 and m.names[0] == inner[0].names[0] for m in inner):
        inner = [Member(m.names[1:], m.file) for m in inner]
    return inner


def _bounded(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """A member whose content is no longer than this: what an archive states of it may be untrue."""
    with archive.open(name) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise Unreadable(f"{name} has more than {limit // 2**20} MiB")
    return data


def _refused(path: Path, why: str) -> DataError:
    return DataError(
        f"the archive {escaped(path)} cannot be read", why=escaped(why), next="check it with: unzip -t FILE"
    )
