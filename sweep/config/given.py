"""Items that a study scores without training them, as a study file names them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from sweep.config.values import Frozen, Text
from sweep.limits import MAX_SEEDS

ItemKind = Literal["images"]
"""images: a folder of images, or an array of them in an .npz."""


class GivenItem(Frozen):
    """One item to score. A bare path stands for `{path: ...}`."""

    path: Text = Field(description="A folder of images, or an .npz with the array arr_0, uint8 [N, H, W, C].")
    kind: ItemKind = Field("images", exclude_if=lambda kind: kind == "images", description="What is at the path.")
    sha256: str | None = Field(None, max_length=64, description="Of its content; filled in by plan and launch.")

    @property
    def is_images(self) -> bool:
        """Whether it holds images, and no net that draws them."""
        return self.kind == "images"


def _by_path(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


GivenItemField = Annotated[GivenItem, BeforeValidator(_by_path, json_schema_input_type=Text | GivenItem)]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str | dict | GivenItem) else value


_Items: Any = Annotated[tuple[GivenItemField, ...], Field(min_length=1, max_length=MAX_SEEDS)]
GivenItems = Annotated[
    _Items, BeforeValidator(_listed, json_schema_input_type=Text | GivenItem | list[Text | GivenItem])
]
"""The items of one arm, its replicates. One item stands for a list of one."""

GivenRun = Annotated[
    GivenItem | None,
    Field(exclude_if=lambda item: item is None, description="What is scored in place of a trained net."),
]
"""In the config of a run; left out where it is trained."""
GivenArm = Annotated[
    SkipJsonSchema[Text | None],
    Field(exclude_if=lambda arm: arm is None, description="Arm of `design: given` whose items are scored."),
]
"""In the setting of an arm; left out where it is trained."""
