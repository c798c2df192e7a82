"""One encoded image, whether it lies in a folder, an archive or a table."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO

MAX_FILE_BYTES = 200 * 2**20
"""Longer files are not read."""


class Unreadable(Exception):
    """Why a file is not read.

    Args:
        why: The reason.
        next: What to do about it; empty for the usual.
    """

    def __init__(self, why: str, *, next: str = "") -> None:
        super().__init__(why)
        self.next = next


@dataclass(frozen=True, eq=False)
class ImageFile:
    """The bytes of an image, as a PNG or JPEG file holds them.

    Attributes:
        path: Where it lies; of a member of an archive, the path of the archive and the name of the member.
        open: Returns a seekable stream of its bytes.
    """

    path: PurePath
    open: Callable[[], IO[bytes]]


def file_on_disk(path: Path) -> ImageFile:
    """An image file in a folder. It is not opened before it is read.

    Args:
        path: The file.
    """
    return ImageFile(path, lambda: path.open("rb"))


def file_in_memory(path: PurePath, read: Callable[[], bytes]) -> ImageFile:
    """An image file whose bytes come out of something else.

    Args:
        path: What messages call it.
        read: Returns the bytes.
    """
    return ImageFile(path, lambda: io.BytesIO(read()))
