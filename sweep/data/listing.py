"""Which images a path holds: a folder of images, an archive, or tables; with their splits, classes and order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweep.data.arrangement import Arrangement, arranged_by_folders
from sweep.data.array_file import list_array_file
from sweep.data.dataset_json import arranged_by_dataset_json
from sweep.data.folder_survey import folder_of_classes, survey_folder
from sweep.data.image_file import ImageFile
from sweep.data.left_out import SUFFIXES, Counts, LeftOut, Reason, escaped
from sweep.data.parquet_files import list_parquet_files
from sweep.data.shards import shards_of_folder
from sweep.data.splits import SPLITS, Split
from sweep.data.tar_files import list_tar_files
from sweep.data.zip_file import list_zip_file
from sweep.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The images of a path, in the order of their splits, classes and names (by code point).

    Attributes:
        labels: The number of each image's class; None without classes.
        classes: Names of the classes, in the order of their numbers.
        splits: The split of each image; None where the path says nothing of splits.
        left_out: What else lies there.
    """

    path: Path
    files: tuple[ImageFile, ...]
    labels: tuple[int, ...] | None
    classes: tuple[str, ...]
    splits: tuple[Split, ...] | None
    left_out: tuple[LeftOut, ...]

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was left out, and which split is made; one sentence each."""
        left_out = (f"left out: {_listed(self.left_out)}",) if self.left_out else ()
        return (*left_out, *self._made_splits())

    def _made_splits(self) -> tuple[str, ...]:
        if self.splits is None or {*SPLITS} <= {*self.splits}:
            return ()
        held_out = "a tenth of the training images is held out for validation"
        if "test" in self.splits:
            return (f"there is no validation split: {held_out}",)
        return (f"there is no test split: the validation split takes its place, and {held_out}",)


def list_images(path: Path) -> Listing:
    """The images of a path.

    A folder holds images, or folders of classes, or folders of splits with either. A zip archive is read like the
    folder that it was made of. A `dataset.json` in either states the labels, and then folders mean nothing (the format
    of StyleGAN and EDM). Parquet files have a column of images (the format of Hugging Face datasets), tar files are
    shards of WebDataset, and an .npz holds an array; a folder of the first two is read as a whole.

    What systems and editors leave in folders is no data.

    Raises:
        DataError: The path is missing or cannot be read, holds no image, or leaves open what is a split and a class.
    """
    arrangement, counts = _arranged(path)
    for member in arrangement.deeper:
        counts.add(Reason.DEEPER, "/".join(member.names[:2]))
    listing = Listing(
        path=path,
        files=tuple(member.file for member in arrangement.members),
        labels=arrangement.labels,
        classes=arrangement.classes,
        splits=arrangement.splits,
        left_out=counts.left_out,
    )
    if not listing.files:
        raise _no_image(listing)
    return listing


_ListFiles = Callable[[Sequence[Path]], tuple[Arrangement, Counts]]


def _list_zip(files: Sequence[Path]) -> tuple[Arrangement, Counts]:
    members, counts, labels = list_zip_file(files[0])
    if labels is not None:
        return arranged_by_dataset_json(files[0], members, labels), counts
    return arranged_by_folders(files[0], members), counts


_FILES: dict[str, _ListFiles] = {
    ".zip": _list_zip,
    ".npz": lambda files: (list_array_file(files[0]), Counts()),
    ".parquet": list_parquet_files,
    ".tar": list_tar_files,
}


def _arranged(path: Path) -> tuple[Arrangement, Counts]:
    if _is_file(path):
        read = _FILES.get(path.suffix.lower())
        if read is None:
            raise _no_format(path)
        return read([path])
    shards = shards_of_folder(path)
    if shards:
        return _FILES[shards[0].suffix.lower()](shards)
    members, counts = survey_folder(path)
    labels = path / "dataset.json"
    if labels.is_file():
        return arranged_by_dataset_json(path, members, labels.read_bytes()), counts
    return arranged_by_folders(path, members), counts


def _is_file(path: Path) -> bool:
    """Whether a path is a file.

    Raises:
        DataError: It is nothing at all.
    """
    try:
        if path.exists():
            return path.is_file()
    except (OSError, ValueError):  # a name with NUL is a ValueError, one that is too long an OSError
        pass
    hint = "; $VARIABLES in a path are not replaced" if "$" in str(path) else ""
    raise DataError(
        f"there is no folder {escaped(path)}",
        why=f"image_folder reads a folder or a file of images{hint}",
        next="check data.path",
    )


def _no_format(path: Path) -> DataError:
    return DataError(
        f"{escaped(path)} is a file that image_folder cannot read",
        why=f"it reads folders of images, and files ending in {', '.join(_FILES)}",
        next="unpack it, and set data.path to the folder",
    )


def _listed(left_out: Sequence[LeftOut]) -> str:
    return "; ".join(map(str, left_out))


def _no_image(listing: Listing) -> DataError:
    looked = f"looked for {' '.join(sorted(SUFFIXES))} there and one folder below"
    met = f"; there are {_listed(listing.left_out)}" if listing.left_out else ""
    is_deeper = any(each.reason is Reason.DEEPER for each in listing.left_out)
    folder = folder_of_classes(listing.path) if is_deeper else None
    return DataError(
        f"{escaped(listing.path)} holds no image",
        why=looked + met,
        next="check data.path" if folder is None else f"set data.path to {escaped(folder)}",
    )
