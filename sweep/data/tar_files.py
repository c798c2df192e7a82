"""Shards of WebDataset: tar files in which the members of one sample share a name: a.png and a.cls, or a.json."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from sweep.data.arrangement import Arrangement, Member, arranged_by_labels
from sweep.data.image_file import file_in_memory
from sweep.data.left_out import Counts, Reason, escaped, extension, is_image, is_of_system
from sweep.data.shards import splits_of_shards
from sweep.data.splits import Split
from sweep.errors import DataError

LABEL_SUFFIXES = (".cls", ".json")
MAX_LABEL_BYTES = 2**20


def list_tar_files(files: Sequence[Path]) -> tuple[Arrangement, Counts]:
    """The images of shards, and what else they hold.

    Args:
        files: The shards.

    Raises:
        DataError: One is damaged or compressed, only some images have a class, or two have one name.
    """
    members, splits, counts = list[Member](), list[Split | None](), Counts()
    for file, split in zip(files, splits_of_shards(files), strict=True):
        of_file = _members(file, counts)
        members += of_file
        splits += [split] * len(of_file)
    return arranged_by_labels(files[0].parent, members, splits), counts


def _members(file: Path, counts: Counts) -> list[Member]:
    images: dict[str, Member] = {}
    labels: dict[str, int] = {}
    try:
        with tarfile.open(file, "r:") as archive:
            for info in archive:
                parts = PurePosixPath(info.name).parts
                if not info.isreg() or not parts or any(is_of_system(part) for part in parts if part != "."):
                    continue
                suffix = PurePosixPath(info.name).suffix.lower()
                key = info.name.removesuffix(PurePosixPath(info.name).suffix)
                if is_image(info.name):
                    if key in images:
                        raise _refused(file, f"two images are called {key}")
                    read = partial(_slice, file, info.offset_data, info.size)
                    path = PurePosixPath(file, info.name)
                    images[key] = Member(parts, file_in_memory(path, read))
                elif suffix in LABEL_SUFFIXES and info.size <= MAX_LABEL_BYTES:
                    label = _label(suffix, _slice(file, info.offset_data, info.size))
                    if label is not None:
                        labels[key] = label
                else:
                    counts.add(Reason.SUFFIX, extension(parts[-1]))
    except (OSError, tarfile.TarError) as error:
        raise _refused(file, str(error) or type(error).__name__) from error
    return [Member(member.names, member.file, labels.get(key)) for key, member in images.items()]


def _label(suffix: str, data: bytes) -> int | None:
    """The class in the text of a .cls, or in the value `label` or `cls` of a .json."""
    try:
        if suffix == ".cls":
            return int(data)
        document = json.loads(data)
        label = document.get("label", document.get("cls")) if isinstance(document, dict) else document
    except (ValueError, RecursionError):
        return None
    return label if type(label) is int else None


def _slice(file: Path, offset: int, size: int) -> bytes:
    with file.open("rb") as stream:
        stream.seek(offset)
        return stream.read(size)


def _refused(path: Path, why: str) -> DataError:
    return DataError(
        f"the shard {escaped(path)} cannot be read",
        why=escaped(why),
        next="uncompressed tar files are read, with a .cls of one number beside each image or none: tar -tf FILE",
    )
