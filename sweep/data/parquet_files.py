"""Parquet files with a column of encoded images, as Hugging Face datasets keep them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from sweep.data.arrangement import Arrangement, Member, arranged_by_labels
from sweep.data.image_file import ImageFile, Unreadable, file_in_memory
from sweep.data.left_out import Counts, escaped
from sweep.data.shards import splits_of_shards
from sweep.data.splits import Split
from sweep.errors import DataError

IMAGE_COLUMNS = ("image", "img", "jpg", "jpeg", "png", "webp")
LABEL_COLUMNS = ("label", "labels", "class", "cls", "fine_label")


def list_parquet_files(files: Sequence[Path]) -> tuple[Arrangement, Counts]:
    """The images of Parquet files, in the order of splits, classes and names; of rows, where they have no names.

    Args:
        files: The files of one data set.

    Raises:
        DataError: One is damaged, or has no column of images.
    """
    members, splits = list[Member](), list[Split | None]()
    for file, split in zip(files, splits_of_shards(files), strict=True):
        table = _Table(file)
        of_file = table.members(first=len(members))
        members += of_file
        splits += [split] * len(of_file)
    return arranged_by_labels(files[0].parent, members, splits), Counts()


class _Table:
    """One file. Its images are read at once, when the first is asked for."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            self.schema = pq.read_schema(file)
            self.image, self.is_struct = self._image_column()
            self.label = next((name for name in LABEL_COLUMNS if self._is(name, pa.types.is_integer)), None)
            columns = [f"{self.image}.path"] * self._has_paths + [self.label] * (self.label is not None)
            self.table = pq.ParquetFile(file).read(columns=columns) if columns else None
            self.rows = pq.read_metadata(file).num_rows
        except (OSError, pa.ArrowException) as error:
            raise _refused(file, str(error).splitlines()[0]) from error

    @cached_property
    def images(self) -> pa.ChunkedArray:
        column = f"{self.image}.bytes" if self.is_struct else self.image
        try:
            read = pq.ParquetFile(self.file).read(columns=[column]).column(0)
        except (OSError, pa.ArrowException) as error:
            raise Unreadable(str(error).splitlines()[0]) from error
        return pa.chunked_array([chunk.field("bytes") for chunk in read.chunks]) if self.is_struct else read

    def members(self, *, first: int) -> list[Member]:
        """Its images.

        Args:
            first: Number of rows in the files before it.
        """
        labels = [None] * self.rows if self.label is None or self.table is None else self.table[self.label].to_pylist()
        names = self._names(first)
        return [Member((names[row],), self._image_file(row), label) for row, label in enumerate(labels)]

    def _image_file(self, row: int) -> ImageFile:
        return file_in_memory(PurePosixPath(self.file, f"row {row}"), partial(self._bytes, row))

    def _names(self, first: int) -> list[str]:
        numbers = [f"{first + row:09}" for row in range(self.rows)]
        if not self._has_paths or self.table is None:
            return numbers
        paths = [row["path"] for row in self.table[self.image].to_pylist()]
        return paths if all(paths) and len(set(paths)) == len(paths) else numbers

    def _bytes(self, row: int) -> bytes:
        data = self.images[row].as_py()
        if not data:
            raise Unreadable("the row holds no image, only its path, or nothing")
        return bytes(data)

    def _image_column(self) -> tuple[str, bool]:
        for name in (*IMAGE_COLUMNS, *self.schema.names):
            if self._is(name, pa.types.is_struct) and self.schema.field(name).type.get_field_index("bytes") >= 0:
                return name, True
        for name in IMAGE_COLUMNS:
            if self._is(name, pa.types.is_binary) or self._is(name, pa.types.is_large_binary):
                return name, False
        columns = ", ".join(self.schema.names)
        raise _refused(self.file, f"it has no column of images ({' or '.join(IMAGE_COLUMNS)}), but {columns}")

    @property
    def _has_paths(self) -> bool:
        return self.is_struct and self.schema.field(self.image).type.get_field_index("path") >= 0

    def _is(self, name: str, test: Callable[[pa.DataType], bool]) -> bool:
        return name in self.schema.names and test(self.schema.field(name).type)


def _refused(path: Path, why: str) -> DataError:
    return DataError(
        f"the table {escaped(path)} cannot be read",
        why=escaped(why),
        next="write it with a column `image` of encoded images, and a column `label` of integers if it has classes",
    )
