"""Which files of a folder are images, and what else lies there and is left out, with the reason. Opens no file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from pathlib import Path

from sweep.errors import DataError
from sweep.quantities import quantity

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp", ".tif", ".tiff"})
# What Windows, macOS, NAS systems and tools put beside data without a dot before its name, in lower case.
SYSTEM_NAMES = frozenset(
    {
        *("$recycle.bin", "recycler", "system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini"),
        *("__macosx", "network trash folder", "temporary items", "lost+found", "__pycache__"),
        *("@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot"),
    }
)
# Folders that are searched for what is left out; the images themselves have no such bound.
MAX_SEARCHED_FOLDERS = 2_000
MAX_NAMED = 3


class Reason(StrEnum):
    """Why something is no image of a data set."""

    SYSTEM = "in hidden folders and those of systems and editors"
    SUFFIX = "of other kinds"
    DEEPER = "in deeper folders"
    BROKEN = "behind broken links"
    SPECIAL = "that only look like files"


@dataclass(frozen=True)
class LeftOut:
    """Files that are not read, for one reason.

    Attributes:
        named: Where they lie, or their extensions, with the number of each; the most frequent first.
    """

    reason: Reason
    count: int
    named: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        shown = ", ".join(name if count == 1 else f"{name} {count:,}" for name, count in self.named[:MAX_NAMED])
        more = ", ..." if len(self.named) > MAX_NAMED else ""
        return f"{quantity(self.count, 'file')} {self.reason} ({shown}{more})"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The images of a folder, in the order of their names (by code point, class by class).

    Attributes:
        labels: The number of each image's class; None for a flat folder.
        classes: Names of the classes, in the order of their numbers; empty for a flat folder.
        left_out: What else lies there.
    """

    path: Path
    files: tuple[Path, ...]
    labels: tuple[int, ...] | None
    classes: tuple[str, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was left out, as a sentence; empty where it is nothing."""
        return (f"left out: {_listed(self.left_out)}",) if self.left_out else ()


def list_images(path: Path) -> Listing:
    """The images under a folder: flat, or one folder below for each class.

    What systems and editors leave in folders (hidden names, `SYSTEM_NAMES`) is no data.

    Raises:
        DataError: The folder is missing or cannot be read, holds no image, or is both flat and in classes.
    """
    survey = _Survey(path)
    flat, folders = survey.entries(path)
    classes = [(folder, *survey.entries(folder)) for folder in folders]
    if flat and any(files for _, files, _ in classes):
        beside = next(folder for folder, files, _ in classes if files)
        raise DataError(
            f"{escaped(path)} holds images and folders of images",
            why=f"is {escaped(flat[0].name)} an image without a class, and {escaped(beside.name)} a class?",
            next="move the images into class folders, or the folders elsewhere",
        )
    for _, _, deeper in classes:
        survey.count_deeper(deeper)
    members = [(folder, files) for folder, files, _ in classes if files]
    listing = Listing(
        path=path,
        files=tuple(flat or (file for _, files in members for file in files)),
        labels=None if flat else tuple(label for label, (_, files) in enumerate(members) for _ in files),
        classes=tuple(escaped(folder.name) for folder, _ in members),
        left_out=survey.left_out,
    )
    if not listing.files:
        raise _no_image(listing)
    return listing


def escaped(name: str | Path) -> str:
    """A name as text for messages: control characters and bytes that are no UTF-8 are written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name))


@dataclass
class _Survey:
    """What is met under a folder, counted by reason."""

    root: Path
    met: dict[Reason, Counter[str]] = field(default_factory=dict)
    searched: int = 0

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        return tuple(
            LeftOut(reason, counts.total(), tuple(counts.most_common()))
            for reason in Reason
            if (counts := self.met.get(reason))
        )

    def entries(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """Images and folders in a folder, each in the order of their names."""
        files: list[Path] = []
        folders: list[Path] = []
        for entry in sorted(_scanned(folder), key=lambda entry: entry.name):
            of_system = entry.name.startswith(".") or entry.name.lower() in SYSTEM_NAMES
            if _is(entry.is_dir):
                if entry.is_symlink() and self.root.resolve().is_relative_to(Path(entry).resolve()):
                    continue  # a way back up holds nothing new
                if of_system:
                    self._count(Reason.SYSTEM, entry.name, self._images_below(Path(entry)))
                else:
                    folders.append(Path(entry))
            elif (reason := _reason(entry, of_system=of_system)) is None:
                files.append(Path(entry))
            elif not of_system or _is_image(entry.name):
                name = Path(entry.name).suffix.lower() or "no extension"
                self._count(reason, name if reason is Reason.SUFFIX else self._relative(Path(entry)), 1)
        return files, folders

    def count_deeper(self, folders: Sequence[Path]) -> None:
        """Count the images below folders that are too deep to be classes."""
        for folder in folders:
            self._count(Reason.DEEPER, self._relative(folder), self._images_below(folder))

    def _count(self, reason: Reason, name: str, number: int) -> None:
        if number:
            self.met.setdefault(reason, Counter())[escaped(name)] += number

    def _images_below(self, folder: Path) -> int:
        """Images below a folder; links are not followed, and a tree without end is not searched whole."""
        count = 0
        for _, _, names in islice(os.walk(folder), max(0, MAX_SEARCHED_FOLDERS - self.searched)):
            self.searched += 1
            count += sum(_is_image(name) for name in names)
        return count

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self.root))


def _scanned(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, ValueError):  # a name with NUL is a ValueError
        raise _missing(folder) from None
    except NotADirectoryError:
        raise DataError(
            f"{escaped(folder)} is a file, not a folder",
            why="image_folder reads a folder of images",
            next="unpack it, and set data.path to the folder",
        ) from None
    except OSError as error:
        raise DataError(
            f"the folder {escaped(folder)} cannot be listed",
            why=error.strerror or type(error).__name__,
            next="check its permissions, or data.path",
        ) from error


def _missing(folder: Path) -> DataError:
    hint = "; $VARIABLES in a path are not replaced" if "$" in str(folder) else ""
    return DataError(
        f"there is no folder {escaped(folder)}",
        why=f"image_folder reads a folder of images{hint}",
        next="check data.path",
    )


def _is_image(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


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
    if not _is_image(entry.name):
        return Reason.SUFFIX
    if _is(entry.is_file):
        return None
    return Reason.BROKEN if entry.is_symlink() and not Path(entry).exists() else Reason.SPECIAL


def _listed(left_out: Sequence[LeftOut]) -> str:
    return "; ".join(map(str, left_out))


def _no_image(listing: Listing) -> DataError:
    looked = f"looked for {' '.join(sorted(SUFFIXES))} there and one folder below"
    met = f"; there are {_listed(listing.left_out)}" if listing.left_out else ""
    is_deeper = any(each.reason is Reason.DEEPER for each in listing.left_out)
    folder = _folder_of_classes(listing.path) if is_deeper else None
    return DataError(
        f"{escaped(listing.path)} holds no image",
        why=looked + met,
        next="check data.path" if folder is None else f"set data.path to {escaped(folder)}",
    )


def _folder_of_classes(path: Path) -> Path | None:
    """The folder two above the first image below a path, which can be read as a folder of classes."""
    for folder, folders, names in islice(os.walk(path), MAX_SEARCHED_FOLDERS):
        folders.sort()
        if any(_is_image(name) for name in names):
            return Path(folder).parent
    return None
