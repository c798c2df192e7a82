"""Folders of images for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from sweep.data.sources import load_dataset


def digits_folder(path: Path, count: int, *, classes: bool = True) -> Path:
    """`count` digits as PNG files, in class folders or flat."""
    data = load_dataset("digits")
    assert data.train_labels is not None
    pairs = zip(data.train[:count, 0].numpy(), data.train_labels[:count].tolist(), strict=True)
    for index, (pixels, label) in enumerate(pairs):
        folder = path / str(label) if classes else path
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{index:04}.png")
    return path


def empty_images(path: Path, count: int) -> Path:
    """`count` files that only look like images: enough for what opens none."""
    path.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        (path / f"{index:04}.png").touch()
    return path


def change_a_pixel(path: Path) -> None:
    """Alter one image of a folder of classes."""
    file = min(path.glob("*/*.png"))
    pixels = np.asarray(Image.open(file)).copy()
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(file)


def study_text(
    name: str, path: Path | str, *, more: str = "", baseline: str = "", extractor: str = "classifier"
) -> str:
    """A study file of one training on a folder."""
    return f"""name: {name}
question: Does it run?
baseline: {{data: {{name: image_folder, path: "{path}", size: 8}}, net: mlp_small, T: 50, images: 320, batch: 32,
  ema_decay: 0, sampling_steps: 5{baseline}}}
seeds: 1
protocol: {{extractor: {extractor}, n: 64, noise_sets: 1}}
"""
