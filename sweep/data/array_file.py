"""An .npz of images, as guided-diffusion writes samples: `arr_0` uint8 [N, H, W, C], and classes in `arr_1`."""

from __future__ import annotations

import io
import zipfile
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sweep.data.arrangement import Arrangement, Member, arranged_by_labels
from sweep.data.image_file import file_in_memory
from sweep.data.left_out import escaped
from sweep.errors import DataError

IMAGES = ("arr_0", "images", "x")
LABELS = ("arr_1", "labels", "label", "y")


def list_array_file(path: Path) -> Arrangement:
    """The images of an .npz in the order of the array, class by class where it has classes.

    Args:
        path: The file.

    Raises:
        DataError: It is damaged, or holds no array of images.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            images = next((arrays[name] for name in IMAGES if name in arrays), None)
            labels = next((arrays[name] for name in LABELS if name in arrays), None)
            names = ", ".join(arrays.files) or "nothing"
    # numpy raises ValueError for pickled arrays and EOFError for what is cut short.
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, MemoryError) as error:
        raise _refused(path, str(error) or type(error).__name__) from error
    if images is None:
        raise _refused(path, f"it holds {names}; the images are expected as {' or '.join(IMAGES)}")
    if images.ndim == 3:
        images = images[..., None]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or not all(images.shape):
        shape = f"{images.dtype} {images.shape}"
        raise _refused(path, f"its images are {shape}; uint8 [N, H, W, C] with C = 1 or 3 is expected")
    if labels is not None and (labels.shape != images.shape[:1] or labels.dtype.kind not in "iu"):
        raise _refused(path, f"its classes are {labels.dtype} {labels.shape}; integers [{len(images)}] are expected")
    return arranged_by_labels(
        path,
        [
            Member(
                (f"{index:09}",),
                file_in_memory(PurePosixPath(path, str(index)), partial(_png, image)),
                None if labels is None else int(labels[index]),
            )
            for index, image in enumerate(images)
        ],
    )


def _png(pixels: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(stream, "png", compress_level=0)
    return stream.getvalue()


def _refused(path: Path, why: str) -> DataError:
    return DataError(
        f"the array file {escaped(path)} cannot be read",
        why=escaped(why),
        next="write it with numpy.savez(FILE, arr_0=images, arr_1=classes)",
    )
