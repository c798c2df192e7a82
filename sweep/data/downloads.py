"""The data sets that torchvision downloads and reads, checked byte for byte before a pixel is believed."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sweep.errors import DataError

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

Split = tuple[Tensor, Tensor]
"""Images uint8 [N, C, H, W] and labels int64 [N]."""


def read_mnist_like(
    reader: Callable[..., Any], md5: Mapping[str, str], *, root: Path, download: bool
) -> tuple[Split, Split]:
    """Official training and test split of a data set in MNIST's file format, 28 x 28 as published.

    Args:
        reader: torchvision's class; the files lie in root / its name / raw.
        md5: Checksum of each unpacked file.
        root: Folder that holds all data sets.
        download: Fetch the files when they are missing.

    Raises:
        DataError: Files are missing and not to be had, or are not the published ones.
    """
    folder = Path(reader.__name__) / "raw"
    ensure_files(reader, folder, md5, root=root, download=download)
    parts = [reader(root=root, train=train, download=False) for train in (True, False)]
    train, test = [(part.data[:, None], part.targets.long()) for part in parts]
    return train, test


def read_cifar10(reader: Callable[..., Any], *, root: Path, download: bool) -> tuple[Split, Split]:
    """Official training and test split of CIFAR-10, from torchvision's class; errors as `read_mnist_like`."""
    md5 = dict([*reader.train_list, *reader.test_list, (reader.meta["filename"], reader.meta["md5"])])  # type: ignore[attr-defined]
    ensure_files(reader, Path(reader.base_folder), md5, root=root, download=download)  # type: ignore[attr-defined]
    parts = [reader(root=root, train=train, download=False) for train in (True, False)]
    train, test = [
        (torch.from_numpy(np.ascontiguousarray(part.data.transpose(0, 3, 1, 2))), torch.tensor(part.targets))
        for part in parts
    ]
    return train, test


def ensure_files(
    reader: Callable[..., Any], folder: Path, md5: Mapping[str, str], *, root: Path, download: bool
) -> None:
    """Have every file of `md5` in root / folder with its checksum, or raise DataError.

    A download happens in a folder of its own beside the target. Files move over, each whole, after all are
    checked: a killed download leaves nothing that looks like data, and two at once do not disturb each other.
    """
    missing = [name for name in md5 if not (root / folder / name).is_file()]
    if missing and not download:
        raise _missing(root, folder, missing, "downloading is switched off")
    if missing:
        _download(reader, folder, md5, root)
    for name, expected in md5.items():
        found = _md5(root / folder / name)
        if found != expected:
            raise DataError(
                f"{root / folder / name} is not the published file",
                why=f"its MD5 is {found}, published is {expected}: cut short, or another file of that name",
                next=f"remove {root / folder} and type the same command again",
            )


def _download(reader: Callable[..., Any], folder: Path, md5: Mapping[str, str], root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".download-") as partial:
            reader(root=partial, train=True, download=True)
            wrong = [name for name, expected in md5.items() if _md5(Path(partial) / folder / name) != expected]
            if wrong:
                raise RuntimeError(f"{', '.join(wrong)}: received something else than the published file")
            (root / folder).mkdir(parents=True, exist_ok=True)
            for name in md5:
                (Path(partial) / folder / name).replace(root / folder / name)
    # URLError and a full disk are OSErrors; torchvision raises RuntimeError for all else.
    except (OSError, RuntimeError, EOFError) as error:
        raise _missing(root, folder, list(md5), f"the download failed: {error}") from error


def _missing(root: Path, folder: Path, names: list[str], reason: str) -> DataError:
    return DataError(
        f"{root / folder} lacks {', '.join(names)}",
        why=" ".join(reason.split()),
        next=f"run the command once on a machine with a network, or, where DIR holds {folder}, type: "
        "SWEEP_DATA=DIR sweep launch STUDY",
    )


def _md5(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
