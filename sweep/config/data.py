"""Which images a training sees, as a study file writes it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from sweep.config.own_part import OwnPart
from sweep.config.part_names import DataName
from sweep.config.values import Frozen, Text
from sweep.limits import MAX_IMAGE_SIZE

MAX_VALIDATION_IMAGES = 10_000
WITH_OFFICIAL_TEST: tuple[DataName, ...] = ("mnist", "fashion_mnist", "cifar10")
"""Data sets of which only validation images are held out of the training split."""


class DataConfig(Frozen):
    """Which images. A bare name stands for `{name: ...}`."""

    name: DataName | Literal["own"] = "digits"
    part: SkipJsonSchema[OwnPart | None] = Field(
        None, exclude_if=lambda part: part is None, description="Data set of a plugin; only for own."
    )
    path: Text | None = Field(None, description="Folder of images; only for image_folder.")
    size: int | None = Field(None, ge=4, le=MAX_IMAGE_SIZE, description="Height = width; only for image_folder.")
    validation: int | None = Field(
        None,
        ge=0,
        le=MAX_VALIDATION_IMAGES,
        exclude_if=lambda validation: validation is None,
        description="Images held out of the official training split; only for data sets with an official test split. "
        "0: train on all of it, as published figures do; then there is no validation loss.",
    )
    sha256: str | None = Field(
        None, max_length=64, description="Of the images; only for image_folder, filled in at launch."
    )

    def absolute(self) -> DataConfig:
        """The same with a path that every process understands alike: `~` expanded, from the root on."""
        if self.path is None:
            return self
        path = Path(self.path)
        with suppress(RuntimeError):  # no such user
            path = path.expanduser()
        return self.model_copy(update={"path": str(path.absolute())})

    def pinned(self) -> DataConfig:
        """The same with the hash of each file that a data set of a plugin reads.

        Raises:
            DataError: There is no such file, or it has another content than before.
        """
        return self if self.part is None else self.model_copy(update={"part": self.part.pinned()})

    def within(self, folder: Path) -> DataConfig:
        """The same with the paths of the files that a data set of a plugin reads from a folder on.

        Args:
            folder: Folder of the study file.
        """
        return self if self.part is None else self.model_copy(update={"part": self.part.within(folder)})

    def lies_at(self, other: DataConfig) -> DataConfig:
        """The same images where `other` says that they lie; unchanged where it means other images."""
        same = self.sha256 is not None and (self.sha256, self.size) == (other.sha256, other.size)
        return other if same else self

    @property
    def label(self) -> str:
        """Name of the data set in sentences."""
        return str(self.part) if self.part is not None else self.name

    @model_validator(mode="after")
    def _path_belongs_to_folder(self) -> DataConfig:
        if (self.name == "image_folder") != (self.path is not None and self.size is not None):
            raise ValueError("image_folder needs `path` and `size`; the other datasets take neither")
        if self.validation is not None and self.name not in WITH_OFFICIAL_TEST:
            raise ValueError(
                f"`validation` is for data sets with an official test split: {', '.join(WITH_OFFICIAL_TEST)}"
            )
        if (self.name == "own") != (self.part is not None):
            raise ValueError("`own` is a data set of a plugin, which a study names by its own name")
        return self


DataAsWritten = DataName | DataConfig


def _data_by_name(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


DataField = Annotated[DataConfig, BeforeValidator(_data_by_name, json_schema_input_type=DataAsWritten)]
