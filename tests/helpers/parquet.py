"""A Parquet file as data sets on the Hugging Face Hub are laid out, of the digits."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from sweep.data.sources import load_dataset


def write_digits(path: Path, count: int = 400, *, brighter: int = 0) -> None:
    """Write the first images of the digits with their classes.

    Args:
        path: File to write.
        count: How many images.
        brighter: Added to each pixel.
    """
    digits = load_dataset("digits")
    assert digits.train_labels is not None
    pixels = (digits.train[:count, 0].numpy().astype(int) + brighter).clip(0, 255).astype(np.uint8)
    pictures = []
    for k, each in enumerate(pixels):
        buffer = BytesIO()
        Image.fromarray(each).save(buffer, format="PNG")
        pictures.append({"bytes": buffer.getvalue(), "path": f"{k}.png"})
    image = pa.array(pictures, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    pq.write_table(pa.table({"image": image, "label": pa.array(digits.train_labels[:count].tolist())}), path)
