"""A data set of our own: images in a Parquet file, as data sets on the Hugging Face Hub are laid out."""

from io import BytesIO

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from sweep.plugins import File, dataset


@dataset("parquet_images")
def parquet_images(
    *, file: File = "images.parquet", size: int = 8, color: bool = False, image: str = "image", label: str = "label"
) -> tuple[np.ndarray, np.ndarray] | np.ndarray:
    """The images of a column of structs {bytes, path}, resized to squares, with their classes if there are any.

    Args:
        file: The Parquet file. Its content is part of the identity of each run.
        size: Height and width of the images, pixels.
        color: Whether images have three channels; otherwise one.
        image: Name of the column of images.
        label: Name of the column of classes, whole numbers; it may be missing.

    Returns:
        Images, uint8 [N, C, size, size], and their classes [N].
    """
    table = pq.read_table(file)
    pictures = [Image.open(BytesIO(each["bytes"])) for each in table[image].to_pylist()]
    squares = [each.convert("RGB" if color else "L").resize((size, size), Image.Resampling.BOX) for each in pictures]
    arrays = np.stack([np.asarray(each).reshape(size, size, -1) for each in squares]).transpose(0, 3, 1, 2)
    return (arrays, table[label].to_numpy()) if label in table.column_names else arrays
