"""Every image in a folder and in two levels of folders below it. Opens no file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sweep.data.arrangement import Member
from sweep.data.image_file import file_on_disk
from sweep.data.left_out import Counts, Reason, escaped, extension, is_image, is_of_system
from sweep.errors import DataError

MAX_LEVELS = 2
"""Folders above an image: its split and its class."""
# Folders that are searched for what is left out; the images themselves have no such bound.
MAX_SEARCHED_FOLDERS = 2_000


def survey_folder(root: Path) -> tuple[list[Member], Counts]:
    """The images of a folder, and what else lies there.

    Folders that are two or more levels below hold no images of a data set; their images are counted as left out.

    Args:
        root: The folder.

    Raises:
        DataError: The folder is missing or cannot be read.
    """
    survey = _Survey(root)
    survey.visit(root, ())
    return survey.members, survey.counts


def folder_of_classes(root: Path) -> Path | None:
    """The folder two above the first image below a path, which can be read as a folder of classes.

    Args:
        root: Where to search.
    """
    for folder, folders, names in islice(os.walk(root), MAX_SEARCHED_FOLDERS):
        folders.sort()
        if any(is_image(name) for name in names):
            return Path(folder).parent
    return None


@dataclass
class _Survey:
    root: Path
    members: list[Member] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    searched: int = 0

    def visit(self, folder: Path, above: tuple[str, ...]) -> None:
        """Take the images of a folder, and go into those below it.

        Args:
            folder: The folder.
            above: Its name and the names of the folders above it, from the root on.
        """
        below: list[Path] = []
        for entry in sorted(_scanned(folder), key=lambda entry: entry.name):
            of_system = is_of_system(entry.name)
            if _is(entry.is_dir):
                if entry.is_symlink() and self.root.resolve().is_relative_to(Path(entry).resolve()):
                    continue  # a way back up holds nothing new
                if of_system:
                    self.counts.add(Reason.SYSTEM, entry.name, self._images_below(Path(entry)))
                else:
                    below.append(Path(entry))
            elif (reason := _reason(entry, of_system=of_system)) is None:
                self.members.append(Member((*above, entry.name), file_on_disk(Path(entry))))
            elif not of_system or is_image(entry.name):
                self.counts.add(
                    reason, extension(entry.name) if reason is Reason.SUFFIX else "/".join((*above, entry.name))
                )
        for each in below:
            if len(above) < MAX_LEVELS:
                self.visit(each, (*above, each.name))
            else:
                self.counts.add(Reason.DEEPER, "/".join(above), self._images_below(each))

    def _images_below(self, folder: Path) -> int:
        """Images below a folder; links are not followed, and a tree without end is not searched whole."""
        count = 0
        for _, _, names in islice(os.walk(folder), max(0, MAX_SEARCHED_FOLDERS - self.searched)):
            self.searched += 1
            count += sum(is_image(name) for name in names)
        return count


def _scanned(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        raise DataError(
            f"the folder {escaped(folder)} cannot be listed",
            why=error.strerror or type(error).__name__,
            next="check its permissions, or data.path",
        ) from error


def _is(test: Callable[[], bool]) -> bool:
    """What an entry is; one that cannot be followed, such as a link to itself, is nothing."""
    try:
        return test()
    except OSError:
        return False


def _reason(entry: os.DirEntry[str], *, of_system: bool) -> Reason | None:
    """Why an entry that is no folder is not read; None for an image."""
    if of_system:
        return Reason.SYSTEM
    if not is_image(entry.name):
        return Reason.SUFFIX
    if _is(entry.is_file):
        return None
    return Reason.BROKEN if entry.is_symlink() and not Path(entry).exists() else Reason.SPECIAL
