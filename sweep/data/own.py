"""A data set of a plugin: what its function has returned, checked and split."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sweep.data.dataset import Dataset, without_official_test
from sweep.data.splits import folder_sizes
from sweep.errors import DataError
from sweep.limits import MAX_IMAGE_SIZE

MIN_IMAGES = 20
"""So that each of the three splits has two."""
MIN_SIZE = 4


def own_dataset(name: str, returned: Any) -> Dataset:
    """The data set of what a function of a plugin has returned. A tenth each is held out for validation and test.

    Args:
        name: Name of the data set.
        returned: Images, uint8 [N, C, size, size], an array of numpy or a tensor; or a pair of these and classes [N].

    Raises:
        DataError: It is something else.
    """
    pair = returned if isinstance(returned, tuple) else (returned, None)
    if len(pair) != 2:
        raise _refused(name, f"it returned {len(pair)} things; images, or images and classes, are expected")
    images, labels = _tensor(pair[0]), None if pair[1] is None else _tensor(pair[1])
    if images is None or images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        shape = type(pair[0]).__name__ if images is None else f"{images.dtype} {tuple(images.shape)}"
        raise _refused(name, f"its images are {shape}; uint8 [N, C, size, size] with C = 1 or 3 is expected")
    count, _, height, width = images.shape
    if height != width or not MIN_SIZE <= height <= MAX_IMAGE_SIZE:
        raise _refused(name, f"its images have {height} x {width} pixels; squares of {MIN_SIZE} to {MAX_IMAGE_SIZE}")
    if count < MIN_IMAGES:
        raise _refused(name, f"it has {count} images; {MIN_IMAGES} are the least")
    if labels is not None:
        if labels.shape != (count,) or labels.is_floating_point() or bool((labels < 0).any()):
            raise _refused(name, f"its classes are {labels.dtype} {tuple(labels.shape)}; integers [{count}], 0 or more")
        labels = labels.long()
    classes = 0 if labels is None else len(set(labels.tolist()))
    sizes = folder_sizes(count, classes=classes)
    return without_official_test(name, images.contiguous(), labels, validation=sizes.validation, test=sizes.test)


def _tensor(value: object) -> Tensor | None:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    return value.cpu() if isinstance(value, Tensor) else None


def _refused(name: str, problem: str) -> DataError:
    return DataError(f"data set `{name}` of a plugin cannot be used", why=problem, next="Correct the plugin.")
