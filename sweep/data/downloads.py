"""The data sets that torchvision downloads and reads, checked byte for byte before a pixel is believed."""

from __future__ import annotations

import fcntl
import hashlib
import io
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sweep.data.download_progress import OnBytes, ignore_bytes, showing_bytes
from sweep.errors import DataError
from sweep.files.caches import set_folder_aside

# MD5 of the unpacked files. torchvision checks only the archives it downloads itself, and reads a truncated or
# exchanged file that lies in their place.
MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
FASHION_MNIST_MD5 = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
# Of the archives that are downloaded; the four of a data set in MNIST's format together.
MNIST_BYTES = 11_594_722
FASHION_MNIST_BYTES = 30_878_645
CIFAR10_BYTES = 170_498_071

PARTIAL = ".download-"
"""How the names of folders begin in which a download is under way."""
GRACE_SECONDS = 60.0

log = logging.getLogger(__name__)

Split = tuple[Tensor, Tensor]
"""Images uint8 [N, C, H, W] and labels int64 [N]."""


@dataclass(frozen=True, kw_only=True)
class Fetching:
    """Whether and how files that are missing or damaged are downloaded.

    Attributes:
        allowed: False: they are an error.
        total_bytes: Size of all archives; 0 where it is not known, then no progress is shown.
        on_bytes: Hears how far a download is.
    """

    allowed: bool
    total_bytes: int = 0
    on_bytes: OnBytes = ignore_bytes


def read_mnist_like(
    reader: Callable[..., Any], md5: Mapping[str, str], *, root: Path, fetching: Fetching
) -> tuple[Split, Split]:
    """Official training and test split of a data set in MNIST's file format, 28 x 28 as published.

    Args:
        reader: torchvision's class; the files lie in root / its name / raw.
        md5: Checksum of each unpacked file.
        root: Folder that holds all data sets.
        fetching: What to do about files that are missing or damaged.

    Raises:
        DataError: Files are missing or damaged, and not to be had.
    """
    folder = Path(reader.__name__) / "raw"
    ensure_files(reader, folder, md5, root=root, fetching=fetching)
    parts = [reader(root=root, train=train, download=False) for train in (True, False)]
    train, test = [(part.data[:, None], part.targets.long()) for part in parts]
    return train, test


def read_cifar10(reader: Any, *, root: Path, fetching: Fetching) -> tuple[Split, Split]:
    """Official training and test split of CIFAR-10, from torchvision's class; errors as `read_mnist_like`.

    Args:
        reader: torchvision's class.
        root: Folder that holds all data sets.
        fetching: What to do about files that are missing or damaged.
    """
    md5 = dict([*reader.train_list, *reader.test_list, (reader.meta["filename"], reader.meta["md5"])])
    ensure_files(reader, Path(reader.base_folder), md5, root=root, fetching=fetching)
    parts = [reader(root=root, train=train, download=False) for train in (True, False)]
    train, test = [
        (torch.from_numpy(np.ascontiguousarray(part.data.transpose(0, 3, 1, 2))), torch.tensor(part.targets))
        for part in parts
    ]
    return train, test


def ensure_files(
    reader: Callable[..., Any], folder: Path, md5: Mapping[str, str], *, root: Path, fetching: Fetching
) -> None:
    """Have every file of `md5` in root / folder with its checksum, or raise DataError.

    A file that is damaged is as good as missing. A download happens in a folder of its own beside the target. Files
    move over, each whole, after all are checked: a killed download leaves nothing that looks like data, and two at once
    do not disturb each other.

    Args:
        reader: torchvision's class.
        folder: Folder of the files, below `root`.
        md5: MD5 of each unpacked file by its name.
        root: Folder that holds all data sets.
        fetching: What to do about files that are missing or damaged.
    """
    wrong = _wrong_files(root / folder, md5)
    if not wrong:
        return
    damaged = [name for name in wrong if os.path.lexists(root / folder / name)]
    if not fetching.allowed:
        raise _unusable(root, folder, wrong, damaged, "downloading is switched off")
    if damaged:
        log.warning("%s: %s damaged, so it is downloaded again", root / folder, ", ".join(damaged))
    try:
        _download(reader, folder, md5, root, fetching)
    # URLError and a full disk are OSErrors; torchvision raises RuntimeError for all else.
    except (OSError, RuntimeError, EOFError, HTTPException) as error:
        raise _unusable(root, folder, wrong, damaged, f"the download failed: {error}") from error


def _download(reader: Callable[..., Any], folder: Path, md5: Mapping[str, str], root: Path, fetching: Fetching) -> None:
    root.mkdir(parents=True, exist_ok=True)
    with _partial_folder(root) as partial:

        def arrived() -> int:
            return sum(path.stat().st_size for path in partial.rglob("*.gz"))

        # torchvision draws a bar on stderr, also in a log.
        with showing_bytes(arrived, fetching.total_bytes, fetching.on_bytes), redirect_stderr(io.StringIO()):
            reader(root=partial, train=True, download=True)
        wrong = _wrong_files(partial / folder, md5)
        if wrong:
            raise RuntimeError(f"{', '.join(wrong)}: received something else than the published file")
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name in md5:
            set_folder_aside(root / folder / name)
            (partial / folder / name).replace(root / folder / name)


@contextmanager
def _partial_folder(root: Path) -> Iterator[Path]:
    """A folder for one download. What killed downloads have left is deleted: nobody holds its lock any more."""
    for left in root.glob(f"{PARTIAL}*"):
        # A new folder is locked a moment after it is made.
        with suppress(OSError), _locked(left):
            if time.time() - left.stat().st_mtime > GRACE_SECONDS:
                shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=root, prefix=PARTIAL) as name, _locked(Path(name)):
        yield Path(name)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which ends with the process.

    Raises:
        OSError: Another process holds it.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _wrong_files(folder: Path, md5: Mapping[str, str]) -> list[str]:
    """The names of the files that are missing, unreadable or not the published ones."""
    return [name for name, expected in md5.items() if _md5(folder / name) != expected]


def _unusable(root: Path, folder: Path, wrong: list[str], damaged: list[str], reason: str) -> DataError:
    if not damaged:
        return _missing(root, folder, wrong, reason)
    return DataError(
        f"{', '.join(str(root / folder / name) for name in damaged)} is not the published file",
        why=f"Its MD5 is not the published one, so it was cut short or is another file of that name; {reason}.",
        next=f"remove {root / folder} and type the same command again",
    )


def _missing(root: Path, folder: Path, names: list[str], reason: str) -> DataError:
    return DataError(
        f"{root / folder} lacks {', '.join(names)}",
        why=" ".join(reason.split()),
        next=f"run the command once on a machine with a network, or, where DIR holds {folder}, type: "
        "SWEEP_DATA=DIR sweep launch STUDY",
    )


def _md5(file: Path) -> str | None:
    try:
        if not file.is_file():
            return None
        with file.open("rb") as handle:
            return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError:
        return None
