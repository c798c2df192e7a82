"""What lies beside the images of a data set and is not read, counted by reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePath

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


@dataclass
class Counts:
    """Files that are not read, counted while they are met."""

    met: dict[Reason, Counter[str]] = field(default_factory=dict)

    def add(self, reason: Reason, name: str, number: int = 1) -> None:
        """Count files.

        Args:
            reason: Why they are not read.
            name: Where they lie, or their extension.
            number: How many they are; 0 changes nothing.
        """
        if number:
            self.met.setdefault(reason, Counter())[escaped(name)] += number

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """All that was counted, reason by reason."""
        return tuple(
            LeftOut(reason, counts.total(), tuple(counts.most_common()))
            for reason in Reason
            if (counts := self.met.get(reason))
        )


def is_of_system(name: str) -> bool:
    """Whether a file or folder of this name belongs to a system or an editor, and not to a data set.

    Args:
        name: One name, without the folders above it.
    """
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def is_image(name: str) -> bool:
    """Whether a name ends as those of images do.

    Args:
        name: Name of a file.
    """
    return Path(name).suffix.lower() in SUFFIXES


def extension(name: str) -> str:
    """The extension of a file in lower case, or words that say that it has none.

    Args:
        name: Name of a file.
    """
    return Path(name).suffix.lower() or "no extension"


def escaped(name: str | PurePath) -> str:
    """A name as text for messages: control characters and bytes that are no UTF-8 are written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name))
