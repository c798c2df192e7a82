"""Folders of Parquet files and of tar files, and the split that the name of such a file states."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from sweep.data.arrangement import SPLIT_NAMES
from sweep.data.left_out import escaped, is_image, is_of_system
from sweep.data.splits import Split
from sweep.errors import DataError

SHARD_SUFFIXES = (".parquet", ".tar")
# The first word of a name: train-00000-of-00002.parquet, or test.tar.
_FIRST_WORD = re.compile(r"[A-Za-z]+")


def shards_of_folder(folder: Path) -> list[Path]:
    """The Parquet or tar files in a folder and one folder below, in the order of their names; empty if it has images.

    Args:
        folder: A folder of images, or of shards.

    Raises:
        DataError: It holds both kinds.
    """
    try:
        entries = [entry for entry in folder.iterdir() if not is_of_system(entry.name)]
        below = [each for entry in entries if entry.is_dir() for each in entry.iterdir() if not is_of_system(each.name)]
    except OSError:
        return []
    if any(is_image(entry.name) for entry in (*entries, *below)):
        return []
    files = [entry for entry in (*entries, *below) if entry.suffix.lower() in SHARD_SUFFIXES and entry.is_file()]
    kinds = sorted({file.suffix.lower() for file in files})
    if len(kinds) > 1:
        raise DataError(
            f"{escaped(folder)} holds files of {' and '.join(kinds)}",
            why="a data set is read from one kind of shards",
            next="set data.path to one of them, or move the others elsewhere",
        )
    return sorted(files, key=lambda file: file.relative_to(folder).as_posix())


def splits_of_shards(files: Sequence[Path]) -> list[Split | None]:
    """The split of each file, by the first word of its name or by the folder that it lies in.

    Args:
        files: Shards of one data set.

    Returns:
        None for each where there are no two splits: then the file is the whole data set.

    Raises:
        DataError: Some say their split and some do not, or none is for training.
    """
    splits = [_split(file) for file in files]
    met = set(splits)
    if len(met) == 1:
        return [None] * len(files)
    if None in met:
        silent = files[splits.index(None)].name
        raise _refused(files, f"{escaped(silent)} does not begin with train, val or test as others do")
    if "train" not in met:
        raise _refused(files, "none of them is for training")
    return splits


def _split(file: Path) -> Split | None:
    return next((SPLIT_NAMES[word] for word in _words(file) if word in SPLIT_NAMES), None)


def _words(file: Path) -> Iterable[str]:
    match = _FIRST_WORD.match(file.name)
    return (*((match[0].lower(),) if match else ()), file.parent.name.lower())


def _refused(files: Sequence[Path], why: str) -> DataError:
    return DataError(
        f"the splits of the files in {escaped(files[0].parent)} are not known", why=why, next="rename these files"
    )
