"""Every data set by name. A name that a store has seen never changes its meaning; add another instead."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import platformdirs
import torch
from torch import Tensor

from sweep.data.dataset import Dataset, with_official_test, with_own_splits, without_official_test
from sweep.data.downloads import (
    CIFAR10_BYTES,
    FASHION_MNIST_BYTES,
    FASHION_MNIST_MD5,
    MNIST_BYTES,
    MNIST_MD5,
    Fetching,
    read_cifar10,
    read_mnist_like,
)
from sweep.data.duplicates import count_duplicates
from sweep.data.facts import DATASET_FACTS
from sweep.data.folder import OnRead, ignore_reading, read_folder, split_sizes
from sweep.errors import InfeasibleConfig, UnknownName


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where to read, and how."""

    root: Path
    """Folder of all downloaded data sets."""
    path: Path | None
    """The folder of an image folder."""
    size: int | None
    """Wanted height and width of an image folder, pixels."""
    download: bool
    """Fetch what is missing."""
    validation: int | None = None
    """Images to hold out of the official training split; None for the usual number."""
    on_read: OnRead = ignore_reading
    """Hears of the progress: in images of a folder, in bytes of a download."""

    def fetching(self, total_bytes: int) -> Fetching:
        """How a data set whose archives have this size is downloaded."""
        return Fetching(allowed=self.download, total_bytes=total_bytes, on_bytes=self.on_read)


def load_dataset(
    name: str,
    *,
    root: Path | None = None,
    path: Path | None = None,
    size: int | None = None,
    validation: int | None = None,
    download: bool = True,
    on_read: OnRead = ignore_reading,
) -> Dataset:
    """Read a data set into memory as uint8.

    Args:
        name: A key of `DATASETS`.
        root: Folder of downloaded data sets; None: `data_root()`.
        path: The folder of images; for `image_folder` only.
        size: Height and width to resize to, pixels; for `image_folder` only. All others have the size they were
            published in: 28 x 28 stays 28 x 28.
        validation: Images to hold out of the official training split; None for the usual number.
        download: Fetch a missing data set on first use.
        on_read: Hears how many of how many files of an image folder were read, or bytes of a data set downloaded.

    Raises:
        UnknownName: There is no such data set.
        InfeasibleConfig: Options that do not go with it.
        DataError: Data missing, unreadable, or not what it claims to be.
    """
    if name not in DATASETS:
        raise UnknownName("data set", name, sorted(DATASETS), next="sweep docs catalogue")
    facts = DATASET_FACTS.get(name)
    if facts is not None and (path is not None or size not in (None, facts.size)):
        raise InfeasibleConfig(
            f"{name} takes no path and no size but {facts.size}",
            why="it is used as published, so that scores can be compared",
            next="remove data.path and data.size, or use image_folder",
        )
    root = root or data_root()
    return DATASETS[name](
        Source(root=root, path=path, size=size, download=download, validation=validation, on_read=on_read)
    )


def data_root() -> Path:
    """Folder of downloaded data sets: $SWEEP_DATA, or the user's cache folder."""
    named = os.environ.get("SWEEP_DATA")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("ddpm-sweep")


def digits(_: Source) -> Dataset:
    """1797 handwritten digits of 8 x 8 pixels, which come with scikit-learn; levels 0..16 become 0..255."""
    images, labels = _read_digits()
    facts = DATASET_FACTS["digits"]
    return without_official_test("digits", images, labels, validation=facts.validation, test=facts.test)


def _read_digits() -> tuple[Tensor, Tensor]:
    # The file behind sklearn.datasets.load_digits, read without the seconds that importing scikit-learn takes.
    package = find_spec("sklearn")
    assert package is not None
    assert package.origin is not None
    table = np.loadtxt(Path(package.origin).parent / "datasets/data/digits.csv.gz", delimiter=",", dtype=np.int64)
    levels = torch.from_numpy(table[:, :-1]).reshape(-1, 1, 8, 8)
    return (levels * (255 / 16)).round().to(torch.uint8), torch.from_numpy(table[:, -1].copy())


def mnist(source: Source) -> Dataset:
    """Handwritten digits, 28 x 28, one channel (LeCun et al. 1998)."""
    from torchvision.datasets import MNIST  # takes seconds, which digits need not pay

    train, test = read_mnist_like(MNIST, MNIST_MD5, root=source.root, fetching=source.fetching(MNIST_BYTES))
    return _official("mnist", train, test, source)


def fashion_mnist(source: Source) -> Dataset:
    """Pieces of clothing, 28 x 28, one channel (Xiao et al. 2017)."""
    from torchvision.datasets import FashionMNIST

    fetching = source.fetching(FASHION_MNIST_BYTES)
    train, test = read_mnist_like(FashionMNIST, FASHION_MNIST_MD5, root=source.root, fetching=fetching)
    return _official("fashion_mnist", train, test, source)


def cifar10(source: Source) -> Dataset:
    """Ten kinds of things, 32 x 32, three channels (Krizhevsky 2009).

    Published figures train on, and compare with, all 50,000 training images; here 5,000 of them
    are held out unless `validation: 0` says otherwise.
    """
    from torchvision.datasets import CIFAR10

    train, test = read_cifar10(CIFAR10, root=source.root, fetching=source.fetching(CIFAR10_BYTES))
    return _official("cifar10", train, test, source)


def _official(name: str, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], source: Source) -> Dataset:
    facts = DATASET_FACTS[name].with_validation(source.validation)
    return with_official_test(name, train, test, validation=facts.validation)


def image_folder(source: Source) -> Dataset:
    """Images of your own; see `sweep.data.listing.list_images`.

    Without splits of their own, a tenth each is held out for validation and test.
    """
    if source.path is None or source.size is None:
        raise InfeasibleConfig(
            "image_folder needs a path and a size",
            why="the images of a folder have no size of their own",
            next="set data.path to the folder and data.size to a number of pixels",
        )
    folder = read_folder(source.path, source.size, on_read=source.on_read)
    images = torch.from_numpy(folder.images)
    labels = None if folder.labels is None else torch.from_numpy(folder.labels)
    sizes = split_sizes(folder.listing)
    splits = folder.listing.splits
    if splits is None:
        dataset = without_official_test("image_folder", images, labels, validation=sizes.validation, test=sizes.test)
    else:
        dataset = with_own_splits("image_folder", images, labels, splits, sizes)
    return replace(dataset, remarks=(*folder.remarks, *count_duplicates(dataset).remarks))


DATASETS: Mapping[str, Callable[[Source], Dataset]] = {
    "digits": digits,
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "cifar10": cifar10,
    "image_folder": image_folder,
}
